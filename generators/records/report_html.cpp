// SPDX-License-Identifier: MIT
// The HTML report: one page of well-formed XML that loads nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "plots.h"
#include "report.h"

namespace norma {

namespace {

const char *const head =
    "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
    "<title>Norma: tuning</title><style>\n"
    "body { font: 14px sans-serif; margin: 2em; } svg { margin: 8px; vertical-align: top; } svg text { font-size: "
    "11px; }\n"
    "td, th { text-align: left; padding: 2px 12px 2px 0; font-family: monospace; font-size: 12px; }\n"
    "summary { margin: 6px 0; font-family: monospace; cursor: pointer; } details { margin-left: 1em; }\n"
    "rect { fill: #c96; } .copy { fill: #ccc; } .default { fill: #88a; } .winner { fill: #2a7; } .best { fill: #aa8; "
    "}\n"
    "circle { fill: #26c; fill-opacity: 0.4; } polyline { fill: none; stroke: #26c; } .one { stroke: #999; }\n"
    ".tick { text-anchor: middle; }\n"
    "</style></head><body>\n<h1>Norma: tuning</h1>\n";

std::string preformatted(const std::string &title, const std::string &text) {
    return text.empty() ? "" : fmt::format("<h3>{}</h3>\n<pre>{}</pre>\n", title, escaped(text));
}

// Bytes a second at each shape. The copy is the roof; the others are beside it.
std::string roofline(const Group &group) {
    std::vector<Bar> bars;
    std::map<size_t, std::vector<const Record *>> others;  // that are never shipped, by cell
    for (const Contender &contender : group.contenders) {
        for (const auto &[cell, record] : contender.cells) {
            if (record->ok() && !record->promises) {
                others[cell].push_back(record);
            }
        }
    }
    for (const auto &[cell, record] : group.contenders.front().cells) {
        if (!record->ok()) {
            continue;
        }
        auto add = [&, measured = record](const std::string &kind, double ns) {
            if (ns > 0) {
                bars.push_back({bucket(*measured), kind, (double)measured->bytes / ns});
            }
        };
        add("copy", record->copy_ns);
        add("default", record->default_ns);
        add(group.has_winner() ? "winner" : "best", record->ns);
        for (const Record *other : others[cell]) {
            add(other->strategy, other->ns);
        }
    }
    return bar_chart("GB/s", bars);
}

std::string table(const Group &group) {
    std::string text = "<table><tr><th>candidate</th><th>to default</th><th></th></tr>\n";
    for (const Contender &contender : group.contenders) {
        const bool wins = &contender == &group.contenders.front() && group.has_winner();
        text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(changes(contender)),
                            contender.score < HUGE_VAL ? fmt::format("{:.3f}", contender.score) : "-",
                            wins ? "wins" : escaped(contender.why_not));
    }
    return text + "</table>\n";
}

// Large ones, which are bytes, in the unit that leaves the least digits.
std::string short_number(int64_t value) {
    const char *const units[] = {"", " K", " M", " G", " T"};
    int unit = 0;
    for (; unit < 4 && value % 1024 == 0 && value >= (unit == 0 ? 16384 : 1024); unit++) {
        value /= 1024;
    }
    return fmt::format("{}{}", value, units[unit]);
}

// How the search went, and what the trials say of each knob.
std::string trials(const std::vector<const Record *> &records) {
    std::vector<std::pair<double, double>> convergence;
    std::map<std::string, std::map<int64_t, std::vector<double>>> effects;  // of our strategy: knob, value, ratios
    double best = 1;
    int failures = 0;
    for (const Record *record : records) {
        failures += !record->ok();
        if (!record->ok() || !record->promises) {
            continue;
        }
        best = std::min(best, record->ratio());
        convergence.emplace_back((double)convergence.size(), best);
        for (const auto &[knob, value] : record->knobs.items()) {
            effects[knob][value.get<int64_t>()].push_back(record->ratio());
        }
    }
    std::string text = convergence.size() < 2 ? "" : plot("best trial so far", convergence, {}, true);
    for (const auto &[knob, values] : effects) {
        if (values.size() < 2) {
            continue;
        }
        std::vector<std::pair<double, double>> points;
        std::vector<std::string> labels;
        for (const auto &[value, ratios] : values) {
            for (double ratio : ratios) {
                points.emplace_back((double)labels.size(), ratio);
            }
            labels.push_back(short_number(value));
        }
        text += plot(knob, points, labels, false);
    }
    return text + fmt::format("<p>{} trials, of which {} failed.</p>\n", records.size(), failures);
}

}  // namespace

std::string report_html(const Report &report) {
    std::set<std::string> devices;
    std::map<std::pair<std::string, std::string>, std::vector<const Record *>> of_kernel;
    for (const Record &record : report.records) {
        devices.insert(device_text(record));
        of_kernel[{record.target, record.variant}].push_back(&record);
    }
    const std::vector<Group> groups = find_winners(report.records);
    std::string text = head;
    text += fmt::format(
        "<p>{}</p>\n<p>Times are those of one thread, or of the GPU, over the default's, each pair from one process: "
        "below 1 is "
        "faster. Bars are bytes read and written a second; the copy moves the same activations.</p>\n",
        escaped(fmt::format("{}", fmt::join(devices, "; "))));
    text += preformatted("Winners", tables(groups));
    text += preformatted("Winners that differ from those of the other set", report.differences);
    for (const Group &group : groups) {
        const std::string score =
            group.has_winner() ? fmt::format("{:.3f}", group.contenders.front().score) : std::string("default");
        text += fmt::format("<details{}><summary>{} for {}: {}</summary>\n", groups.size() == 1 ? " open=\"open\"" : "",
                            escaped(group.variant), escaped(group.target), score);
        text += roofline(group) + table(group) + trials(of_kernel[{group.target, group.variant}]);
        if (auto loop = report.loops.find({group.target, group.variant}); loop != report.loops.end()) {
            text += preformatted("The winner's inner loop", loop->second);
        }
        text += "</details>\n";
    }
    return text + "</body></html>\n";
}

}  // namespace norma
