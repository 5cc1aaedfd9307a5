// SPDX-License-Identifier: MIT
#include "export.h"

#include <fmt/format.h>

namespace norma {

using nlohmann::ordered_json;

namespace {

constexpr double ms = 1e-6;  // of a nanosecond

// The format's word for how a record failed.
const char *invalidity(const Record &record) {
    const auto says = [&](const char *text) { return record.why.find(text) != record.why.npos; };
    return record.ok()          ? "correct"
           : says("time limit") ? "timeout"
           : says("wrong: ")    ? "correctness"
           : says("killed by ") ? "runtime"
           : says(" returned ") ? "runtime"
                                : "compile";
}

ordered_json measurement(const char *name, double ns) { return {{"name", name}, {"value", ms * ns}, {"unit", "ms"}}; }

ordered_json result(const Record &record) {
    ordered_json configuration = {
        {"kernel", record.variant},      {"target", record.target},
        {"device", device_text(record)}, {"shape", fmt::format("{}x{}", record.rows, record.hidden)},
        {"threads", record.threads},     {"strategy", record.strategy}};
    configuration.update(record.knobs);
    ordered_json json = {{"timestamp", record.date},
                         {"configuration", configuration},
                         {"times", {{"runtimes", ordered_json::array()}}},
                         {"invalidity", invalidity(record)},
                         {"correctness", record.ok() ? 1 : 0},
                         {"objectives", {"time"}},
                         {"measurements", ordered_json::array()}};
    if (record.ok()) {
        json["times"]["runtimes"].push_back(ms * record.ns);
        json["measurements"] = {measurement("time", record.ns), measurement("default_time", record.default_ns),
                                measurement("copy_time", record.copy_ns)};
    }
    return json;
}

}  // namespace

ordered_json t4_results(const std::vector<Record> &records) {
    ordered_json results = ordered_json::array();
    for (const Record &record : records) {
        results.push_back(result(record));
    }
    return {{"schema_version", "1.0.0"}, {"results", results}};
}

}  // namespace norma
