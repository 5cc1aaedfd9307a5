// SPDX-License-Identifier: MIT
// A manifest made into what its product links: the tree that installing Norma gives, with these kernels.
#pragma once

#include "library.h"

namespace norma {

struct BundleOptions {
    std::filesystem::path out;
    std::filesystem::path work;   // built here and kept, for the next time; empty: in a temporary directory
    std::filesystem::path cache;  // of compiled kernels; empty: in `work`
    std::string toolchain;        // of CMake; empty: the compiler of CC and CXX, or of PATH
    bool shared = false;          // with libnorma.so
    JobLimits limits;
};

// Replaces an earlier bundle at `out` as a whole, and leaves it as it was on failure. Throws InputError, OutputError.
void bundle_library(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                    const BundleOptions &options);

}  // namespace norma
