// SPDX-License-Identifier: MIT
// Records may come from anybody: a line is one that schedules/records/schema.json, and what no schema can say, allow.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace norma {

// Throws std::invalid_argument that names the key, its value and what was expected.
void check_record(const nlohmann::json &record);

}  // namespace norma
