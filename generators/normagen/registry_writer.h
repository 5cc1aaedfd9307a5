// SPDX-License-Identifier: MIT
// What a build reads: the objects, registry.cpp, objects.rsp and manifest.lock.json.
#pragma once

#include <string>
#include <vector>

#include "generators/codegen/kernel.h"

namespace norma {

struct RegistryEntry {
    KernelSpec spec;
    CompiledKernel compiled;
    std::string hash;
};

// C++ for runtime/src/registry.h. `targets`: the best first; `entries` grouped in their order.
// Throws std::runtime_error where a kernel has an argument that the runtime knows no role for.
std::string registry_source(const std::string &manifest, const std::vector<TargetSpec> &targets,
                            const std::vector<RegistryEntry> &entries);

// What is in the library, for people and programs.
std::string lock_file(const std::string &manifest, const std::vector<TargetSpec> &targets,
                      const std::vector<RegistryEntry> &entries);

}  // namespace norma
