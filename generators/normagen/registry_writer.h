// SPDX-License-Identifier: MIT
// What a build reads beside the objects: registry.cpp, library.h, library.c and manifest.lock.json.
#pragma once

#include <string>
#include <vector>

#include "generators/codegen/kernel.h"

namespace norma {

struct RegistryEntry {
    std::string target;  // by whose name it is found
    KernelSpec spec;
    CompiledKernel compiled;
    std::string hash;
};

// C++ for runtime/src/core/registry.h. `targets`: the best first; `entries` grouped in their order.
// Throws std::runtime_error where a kernel has an argument that the runtime knows no role for.
std::string registry_source(const std::string &manifest, const std::vector<TargetSpec> &targets,
                            const std::vector<RegistryEntry> &entries);

// By which a linker finds two libraries in one link: what norma.h includes, and a C file of the library.
// `lock`: lock_file's.
std::string library_header(const std::string &manifest, const std::string &lock);
std::string library_source(const std::string &manifest, const std::string &lock);

// What is in the library, for people and programs.
std::string lock_file(const std::string &manifest, const std::vector<TargetSpec> &targets,
                      const std::vector<RegistryEntry> &entries);

}  // namespace norma
