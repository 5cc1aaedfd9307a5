// SPDX-License-Identifier: MIT
// What records say: which candidate is to be compiled for a kernel of a target, and why.
#pragma once

#include <map>
#include <set>

#include "records.h"

namespace norma {

// A candidate in the final trials of one (variant, target).
struct Contender {
    std::string name;                        // candidate()
    std::map<size_t, const Record *> cells;  // by the index in Group::cells; none where it was not measured
    double score = 0;                        // geometric mean over all cells of its time over the default's; 1 where
                                             // it was not measured: what nobody saw is no gain
    int differs = 0;                         // knobs that are not the default's
    std::string why_not;                     // empty: it may win
    const Record &record() const { return *cells.begin()->second; }
};

struct Group {
    std::string variant, target;
    std::set<std::string> devices;      // device_text of those that it was measured on
    std::vector<std::string> cells;     // "bucket on device": wherever one of them was measured, in order
    std::vector<Contender> contenders;  // the winner first, then by score
    bool has_winner() const { return !contenders.empty() && contenders.front().why_not.empty(); }
    const Record &winner() const { return contenders.front().record(); }
};

std::string devices_text(const Group &group);  // "A and B"

// The rule. A candidate may win that keeps docs/numerics.md, was measured on each of the group's devices, is nowhere
// slower than the default beyond both intervals and the noise of the trial, and somewhere faster beyond them. The least
// geometric mean of its times over the default's wins; among those within half a percent of it the one that differs
// from the default in the fewest knobs, then the first by name. The default wins where there is none. Records of trials
// on several threads are judged apart from the others: of all, only one kind is looked at. Groups point into `records`.
std::vector<Group> find_winners(const std::vector<Record> &records, bool on_threads = false);  // each device by itself
std::vector<Group> find_agreed(const std::vector<Record> &records, bool on_threads = false);   // all devices together

}  // namespace norma
