// SPDX-License-Identifier: MIT
// What tuning found, for people.
#pragma once

#include "winners.h"

namespace norma {

// For each device: the winners of its kernels; and for each target and op, geometric means over kernels and shapes: of
// ours (the winner, or the default) over the default, and of each autoscheduler over ours.
std::string tables(const std::vector<Group> &groups);
std::string gains(const std::vector<Group> &groups);  // the means alone

// The kernels whose winners are not the same, a line with - and one with + for each.
std::string differences(const std::vector<Group> &before, const std::vector<Group> &after);

std::string changes(const Contender &contender);  // "lanes 64 -> 128": the knobs that are not the default's

struct Report {
    std::vector<Record> records;
    std::string command;                                               // that made it
    std::string differences;                                           // from another set, where there is one
    std::map<std::pair<std::string, std::string>, std::string> loops;  // of winners, by target and variant: assembly
};

// One page with its plots inside.
std::string report_html(const Report &report);

}  // namespace norma
