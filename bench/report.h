// SPDX-License-Identifier: MIT
// Results for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "case.h"
#include "machine.h"

namespace norma::bench {

nlohmann::ordered_json machine_json(const Machine &machine);
nlohmann::ordered_json result_json(const Case &c, const Result &result, int threads);

// Of sample_tasks: JSON, and its lines for people.
nlohmann::ordered_json tasks_json(const Case &c, const Tasks &tasks, const std::vector<int64_t> &grain_size,
                                  int threads);
std::string tasks_lines(const nlohmann::ordered_json &json);

std::string describe(const Machine &machine, int threads);  // in one line
std::string table_heading(const std::string &where);
std::string table_line(const Case &c, const Result &result);

// A page with plots: of the JSON of a run, and of its table. `by_kernel`: a plot for each kernel, not for each op and
// type.
std::string report_html(const nlohmann::ordered_json &run, const std::string &table, bool by_kernel);

}  // namespace norma::bench
