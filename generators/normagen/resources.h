// SPDX-License-Identifier: MIT
// What CUDA kernels take of a GPU, as a table: it shows what a change of the generator did to their code.
#pragma once

#include <filesystem>
#include <vector>

#include "compile.h"
#include "generators/codegen/targets.h"
#include "generators/records/recorded_knobs.h"
#include "manifest.h"

namespace norma {

// On one compute capability, or with 0 on each that the targets have images for. Compiles what is not in the cache.
// Throws OutputError.
void print_resources(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                     const std::filesystem::path &cache, const JobLimits &limits, int sm);

}  // namespace norma
