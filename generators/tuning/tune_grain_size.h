// SPDX-License-Identifier: MIT
// From how many elements on a thread of the pool is worth waking: `grain_size`, which trials on one thread do not
// show. Only a library has the pool, so `norma bench` measures.
#pragma once

#include <string>
#include <vector>

#include "candidates.h"
#include "generators/records/current_records.h"

namespace norma {

// Measures the usual kernel of each op and type of x of the manifest that is wanted, and adds records to the directory.
// `bench` is the norma command. One core has nothing to measure: a line on stderr says so. Throws OutputError where the
// command fails.
void tune_grain_size(const Manifest &manifest, const std::vector<TargetFile> &targets, const Wanted &wanted,
                     const std::string &bench, const std::string &records, double seconds,
                     const LoweredHashes &lowered_hashes);

}  // namespace norma
