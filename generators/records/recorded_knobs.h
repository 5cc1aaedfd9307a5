// SPDX-License-Identifier: MIT
// Knobs from records: what tuning found for a kernel of a target, or of the target that it builds on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "generators/codegen/targets.h"
#include "winners.h"

namespace norma {

// Records of these targets without the stale ones, of which stderr gets a line with how many and why.
std::vector<Record> current_records(const std::filesystem::path &directory, const std::vector<TargetFile> &targets);

// The name without types of weight and bias and without the contract: kernels that differ in these alone are one
// family, whose loops are alike.
std::string family(Variant variant);

class RecordedKnobs {
public:
    // `directory`: "none" for no records. Throws InputError where it is no directory, but for Norma's own.
    RecordedKnobs(const std::string &directory, const std::vector<TargetFile> &targets);

    RecordedKnobs(const RecordedKnobs &) = delete;
    RecordedKnobs &operator=(const RecordedKnobs &) = delete;

    // The spec with the winner's strategy and knobs, and its origin. Without records of its own a kernel takes those of
    // another of its family, then its parent target's. From a parent's record come the knobs in which it
    // differs from the parent's defaults, but for those that the target sets itself. `grain_size` come from trials
    // on several threads, of any kernel of the op and type of x.
    KernelSpec apply(KernelSpec spec) const;

private:
    const Group *find(const std::string &target, Variant variant) const;
    KernelSpec with(KernelSpec spec, const Group &group) const;
    KernelSpec with_grain_size(KernelSpec spec) const;

    std::vector<TargetFile> targets_;
    std::vector<Record> records_;
    std::map<std::pair<std::string, std::string>, Group> groups_;    // by target and variant
    std::map<std::pair<std::string, std::string>, Group> tasks_;     // by target, op and type of x
    std::map<std::pair<std::string, std::string>, Group> families_;  // the first of each, by target and family
};

}  // namespace norma
