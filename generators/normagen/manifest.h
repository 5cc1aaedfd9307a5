// SPDX-License-Identifier: MIT
// Manifests: which kernels a library holds. docs/manifest.md describes the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant_name.h"

namespace norma {

struct Manifest {
    std::string name;
    std::vector<std::string> targets;  // names; empty: every target
    // Expanded, each once, in the order of the file: for CPUs, and for CUDA.
    std::vector<Variant> variants, cuda_variants;
};

Manifest read_manifest(const std::filesystem::path &path);  // throws InputError

}  // namespace norma
