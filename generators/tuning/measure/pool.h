// SPDX-License-Identifier: MIT
// One trial made in several processes, each with memory of its own, as one result.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace norma {

// What run_trial says of one candidate in each process. A failure is the result of all; else it is that of the process
// whose ratio to the default is the middle one, with intervals that hold those of all processes, whose times are scaled
// so that their defaults are the same.
nlohmann::json pooled(const std::vector<nlohmann::json> &of_processes);

}  // namespace norma
