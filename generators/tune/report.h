// SPDX-License-Identifier: MIT
// What tuning found, for people.
#pragma once

#include "winners.h"

namespace norma {

std::string winners_table(const std::vector<Group> &groups);

// One page with its plots inside.
std::string report_html(const std::vector<Record> &records, const nlohmann::json &device);

}  // namespace norma
