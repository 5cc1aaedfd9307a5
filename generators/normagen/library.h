// SPDX-License-Identifier: MIT
// A manifest for some targets, made into what a build of the library needs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compile.h"
#include "generators/codegen/targets.h"
#include "generators/records/recorded_knobs.h"
#include "manifest.h"

namespace norma {

// The targets that `text` asks for, the best first: names with commas between; "all", those of the manifest; or "host",
// the best of these that this machine runs. Throws InputError.
std::vector<TargetFile> select_targets(const std::string &text, const Manifest &manifest,
                                       const std::vector<TargetFile> &known);

Job kernel_job(const KernelSpec &spec);

// Lowers what this cache does not know the hashes of; where none is named, one of the user's own.
LoweredHashes lowered_hashes(const std::filesystem::path &cache, const JobLimits &limits);

// A kernel by the name of a target, which takes it from itself or from a parent.
struct TargetKernel {
    std::string target;
    KernelSpec spec;
};

// What a library holds: each variant on each target of its device, with knobs from records, else the target's own.
std::vector<TargetKernel> target_kernels(const std::vector<Manifest::Entry> &kernels,
                                         const std::vector<TargetFile> &targets, const RecordedKnobs &records);

// Writes objects/, registry.cpp, library.h, library.c, objects.rsp and manifest.lock.json under `out`. Throws
// InputError where `out` has files of others, else OutputError.
void compile_library(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                     const std::filesystem::path &out, const std::filesystem::path &cache, const JobLimits &limits);

}  // namespace norma
