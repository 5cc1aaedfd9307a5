// SPDX-License-Identifier: MIT
// Knobs from records: what tuning found for a kernel of a target, or of the target that it builds on.
#pragma once

#include <string>
#include <vector>

#include "current_records.h"

namespace norma {

// The name without types of weight and bias and without the contract: kernels that differ in these alone are one
// family, whose loops are alike.
std::string family(Variant variant);

class RecordedKnobs {
public:
    // `directory`: "none" for no records. Throws InputError where it is no directory, but for Norma's own.
    RecordedKnobs(const std::string &directory, const std::vector<TargetFile> &targets, LoweredHashes lowered_hashes);

    // Each spec with the winner's strategy and knobs, and its origin. Without records of its own a kernel takes those
    // of another of its family, then its parent target's. From a parent's record come the knobs in which it differs
    // from the parent's defaults, but for those that the target sets itself. `grain_size` come from trials on several
    // threads, of any kernel of the op and type of x. Stale records are left out, with a line on stderr.
    std::vector<KernelSpec> apply(const std::vector<KernelSpec> &specs) const;

private:
    std::string directory_;
    std::vector<TargetFile> targets_;
    LoweredHashes lowered_hashes_;
    std::vector<Record> records_;
};

}  // namespace norma
