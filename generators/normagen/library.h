// SPDX-License-Identifier: MIT
// A manifest for some targets, made into what a build of the library needs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compile.h"
#include "manifest.h"
#include "targets.h"

namespace norma {

// The targets that `text` asks for, the best first: names with commas between; "all", those of the manifest; or "host",
// the best of these that this machine runs. Throws InputError.
std::vector<TargetFile> select_targets(const std::string &text, const Manifest &manifest,
                                       const std::vector<TargetFile> &known);

// What to compile: each variant on each target, with its strategy and knobs. Throws InputError where one is not legal.
std::vector<KernelSpec> kernel_specs(const std::vector<Variant> &variants, const std::vector<TargetFile> &targets);

// Writes objects/, halide_runtime.o, registry.cpp, objects.rsp and manifest.lock.json under `out`. Throws OutputError.
void compile_library(const Manifest &manifest, const std::vector<TargetFile> &targets, const std::filesystem::path &out,
                     const std::filesystem::path &cache, const JobLimits &limits);

}  // namespace norma
