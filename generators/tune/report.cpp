// SPDX-License-Identifier: MIT
#include "report.h"

#include <fmt/format.h>

#include <cmath>

namespace norma {

namespace {

// "lanes 64 -> 128": the knobs that are not the default's.
std::string changes(const Record &record) {
    std::string text;
    for (const auto &[knob, value] : record.knobs.items()) {
        const nlohmann::json before = record.default_knobs.value(knob, nlohmann::json());
        if (value != before) {
            text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", knob,
                                before.is_null() ? "default" : before.dump(), value.dump());
        }
    }
    return text.empty() ? record.strategy : text;
}

}  // namespace

std::string winners_table(const std::vector<Group> &groups) {
    std::string text =
        fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", "target", "to default", "to copy", "bits", "kernel");
    for (const Group &group : groups) {
        double copies = 0;
        int count = 0;
        if (group.has_winner()) {
            for (const Record *record : group.contenders.front().cells) {
                copies += record->copy_ns > 0 ? std::log(record->ns / record->copy_ns) : 0;
                count += record->copy_ns > 0;
            }
        }
        text += fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", group.target,
                            group.has_winner() ? fmt::format("{:.3f}", group.contenders.front().score) : "default",
                            count > 0 ? fmt::format("{:.2f}", std::exp(copies / count)) : "-",
                            group.has_winner() ? group.winner().bits : "same", group.variant);
        if (group.has_winner()) {
            text += fmt::format("    {}\n", changes(group.winner()));
        }
    }
    return text;
}

}  // namespace norma
