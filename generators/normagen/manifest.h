// SPDX-License-Identifier: MIT
// Manifests: which kernels a library holds. docs/manifest.md describes the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../variant.h"

namespace norma {

struct Manifest {
    std::string name;
    std::vector<std::string> targets;  // names; empty: every target
    std::vector<Variant> variants;     // expanded, each once, in the order of the file
};

Manifest read_manifest(const std::filesystem::path &path);  // throws InputError

}  // namespace norma
