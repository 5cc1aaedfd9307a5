// SPDX-License-Identifier: MIT
// Targets: schedules/targets/NAME.json, each with its parents merged in. docs/manifest.md describes the file.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

namespace norma {

struct TargetFile {
    TargetSpec spec;
    std::string parent;                 // "" for the first of a family
    std::string needs;                  // what CPU it runs on, for people
    std::vector<std::string> features;  // Halide's names, the parents' ones first
    std::vector<norma_dtype> dtypes;    // a kernel without any of these is the parent's; empty: each is its own
    std::shared_ptr<const TargetFile> of_others;  // the parent, where there are such kernels
};

// All of a directory, the best first: the most features. Throws InputError.
std::vector<TargetFile> read_targets(const std::filesystem::path &directory);

// Throws InputError naming the known ones, and where the name was given: an option, or a place in a file.
const TargetFile &find_target(const std::vector<TargetFile> &targets, const std::string &name,
                              const std::string &where);

const TargetFile *with_name(const std::vector<TargetFile> &targets, const std::string &name);  // or null

// The variant on the target, or on the parent whose kernel it is, with that target's own knobs; `strategy`: "" for the
// device's own. Throws InputError where they are not legal.
KernelSpec default_spec(const Variant &variant, const TargetFile &target, const std::string &strategy = "");

// Whether this machine executes its code.
bool runs_here(const TargetFile &target);

// What targets of one library have in common, as Halide writes it: x86-64-linux.
std::string architecture(const TargetFile &target);
std::string architecture_here();

// Bits of halide_target_feature_t: what a CPU must have.
std::array<uint64_t, 4> feature_bits(const TargetSpec &target);

}  // namespace norma
