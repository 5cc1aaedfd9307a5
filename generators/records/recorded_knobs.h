// SPDX-License-Identifier: MIT
// Knobs from records: what tuning found for a kernel of a target, or of the target that it builds on.
#pragma once

#include <string>
#include <vector>

#include "current_records.h"
#include "recorded_devices.h"

namespace norma {

// The name without types of weight and bias and without the contract: kernels that differ in these alone are one
// family, whose loops are alike.
std::string family(Variant variant);

class RecordedKnobs {
public:
    // `directory`: "none" for no records. Throws InputError where it is no directory, but for Norma's own, or where
    // there is no record of a device.
    RecordedKnobs(const std::string &directory, const std::vector<TargetFile> &targets, LoweredHashes lowered_hashes,
                  RecordedDevices devices = {});

    // Each spec with the winner's strategy and knobs, and its origin. A kernel's own records come first, then those of
    // another of its family, then for an exact hidden size those of its class; first of the chosen devices, then what
    // all agree on; then likewise of the parent target. From a parent's record and a class's come the knobs in which
    // the winner differs from the default there, but for those that the kernel's target sets itself. `grain_size` come
    // from trials on several threads, of any kernel of the op and type of x. Stale records are left out, with a line on
    // stderr; another says where those of another vendor decide for this machine.
    std::vector<KernelSpec> apply(const std::vector<KernelSpec> &specs) const;

private:
    std::string directory_;
    RecordedDevices devices_;
    std::vector<TargetFile> targets_;
    LoweredHashes lowered_hashes_;
    std::vector<Record> records_;
};

}  // namespace norma
