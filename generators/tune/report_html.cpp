// SPDX-License-Identifier: MIT
// The HTML report: one page of well-formed XML that loads nothing, its plots drawn as SVG.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report.h"

namespace norma {

namespace {

using Points = std::vector<std::pair<double, double>>;

std::string escaped(const std::string &text) {
    std::string safe;
    for (char c : text) {
        const bool control = c != '\n' && (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~');
        safe += c == '&'   ? "&amp;"
                : c == '<' ? "&lt;"
                : c == '>' ? "&gt;"
                : c == '"' ? "&quot;"
                : control  ? "?"
                           : std::string(1, c);
    }
    return safe;
}

// A plot of times over the default's: above 1 is slower. `labels` are the ticks of the horizontal axis, 0, 1, ...
std::string plot(const std::string &title, const Points &points, const std::vector<std::string> &labels, bool line) {
    constexpr double width = 320, height = 160, left = 40, bottom = 24, top = 20;
    double low = 1, high = 1, last = std::max(1.0, (double)labels.size() - 1);
    for (const auto &[x, y] : points) {
        low = std::min(low, y);
        high = std::max(high, std::min(y, 3.0));
        last = std::max(last, x);
    }
    high += 0.02;
    low -= 0.02;
    auto at_x = [&](double x) { return left + 8 + x / last * (width - left - 16); };
    auto at_y = [&](double y) { return top + (high - std::min(y, high)) / (high - low) * (height - top - bottom); };
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" role=\"img\">"
        "<text x=\"{2}\" y=\"12\">{3}</text><line class=\"one\" x1=\"{2}\" x2=\"{0}\" y1=\"{4:.1f}\" y2=\"{4:.1f}\"/>"
        "<text x=\"2\" y=\"{4:.1f}\">1.00</text><text x=\"2\" y=\"{5:.1f}\">{6:.2f}</text><text x=\"2\" "
        "y=\"{7:.1f}\">{8:.2f}</text>",
        width, height, left, escaped(title), at_y(1), at_y(low), low, at_y(high), high);
    std::string path;
    for (const auto &[x, y] : points) {
        path += fmt::format("{:.1f},{:.1f} ", at_x(x), at_y(y));
        text += line ? "" : fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", at_x(x), at_y(y));
    }
    text += line ? fmt::format("<polyline points=\"{}\"/>", path) : "";
    for (size_t i = 0; i < labels.size(); i++) {
        text += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>", at_x((double)i), height - 6, escaped(labels[i]));
    }
    return text + "</svg>\n";
}

// Bytes a second at each shape: the copy is the roof, the default and the winner lie below.
std::string roofline(const Group &group) {
    struct Bar {
        std::string label, kind;
        double rate;
    };
    std::vector<Bar> bars;
    double most = 0;
    const Contender &first = group.contenders.front();
    for (size_t cell = 0; cell < group.cells.size(); cell++) {
        const Record *record = first.cells[cell];
        if (record == nullptr || !record->ok()) {
            continue;
        }
        auto add = [&](const std::string &kind, double ns) {
            if (ns > 0) {
                bars.push_back({bucket(*record), kind, (double)record->bytes / ns});
                most = std::max(most, bars.back().rate);
            }
        };
        add("copy", record->copy_ns);
        add("default", record->default_ns);
        add(group.has_winner() ? "winner" : "best", record->ns);
    }
    const double height = 16.0 * (double)bars.size() + 24;
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{}\" role=\"img\"><text x=\"2\" "
        "y=\"12\">GB/s</text>",
        height);
    for (size_t i = 0; i < bars.size(); i++) {
        const double y = 20 + 16 * (double)i;
        text += fmt::format(
            "<text x=\"2\" y=\"{:.0f}\">{} {}</text><rect class=\"{}\" x=\"160\" y=\"{:.0f}\" width=\"{:.1f}\" "
            "height=\"12\"/>"
            "<text x=\"{:.1f}\" y=\"{:.0f}\">{:.1f}</text>",
            y + 10, escaped(bars[i].label), bars[i].kind, bars[i].kind, y, bars[i].rate / most * 420,
            166 + bars[i].rate / most * 420, y + 10, bars[i].rate);
    }
    return text + "</svg>\n";
}

std::string table(const Group &group) {
    std::string text = "<table><tr><th>candidate</th><th>to default</th><th></th></tr>\n";
    for (const Contender &contender : group.contenders) {
        const bool wins = &contender == &group.contenders.front() && group.has_winner();
        text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(contender.name),
                            contender.score < HUGE_VAL ? fmt::format("{:.3f}", contender.score) : "-",
                            wins ? "wins" : escaped(contender.why_not));
    }
    return text + "</table>\n";
}

std::string kernel(const Group &group, const std::vector<Record> &records) {
    std::string text = fmt::format("<h2>{} for {}</h2>\n", escaped(group.variant), escaped(group.target));
    text += roofline(group) + table(group);
    Points convergence;
    std::map<std::string, std::map<int64_t, std::vector<double>>> effects;  // of our strategy: knob, value, ratios
    double best = 1;
    int failures = 0;
    for (const Record &record : records) {
        if (record.variant != group.variant || record.target != group.target) {
            continue;
        }
        failures += !record.ok();
        if (!record.ok() || !record.promises) {
            continue;
        }
        best = std::min(best, record.ratio());
        convergence.emplace_back((double)convergence.size(), best);
        for (const auto &[knob, value] : record.knobs.items()) {
            effects[knob][value.get<int64_t>()].push_back(record.ratio());
        }
    }
    text += plot("best trial so far", convergence, {}, true);
    for (const auto &[knob, values] : effects) {
        if (values.size() < 2) {
            continue;
        }
        Points points;
        std::vector<std::string> labels;
        for (const auto &[value, ratios] : values) {
            for (double ratio : ratios) {
                points.emplace_back((double)labels.size(), ratio);
            }
            labels.push_back(std::to_string(value));
        }
        text += plot(knob, points, labels, false);
    }
    return text + fmt::format("<p>{} trials failed.</p>\n", failures);
}

}  // namespace

std::string report_html(const std::vector<Record> &records, const nlohmann::json &device) {
    std::string text =
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
        "<title>Norma: tuning</title><style>\n"
        "body { font: 14px sans-serif; margin: 2em; } svg { margin: 8px; vertical-align: top; } svg text { font-size: "
        "11px; }\n"
        "td, th { text-align: left; padding: 2px 12px 2px 0; font-family: monospace; font-size: 12px; }\n"
        ".copy { fill: #ccc; } .default { fill: #88a; } .winner { fill: #2a7; } .best { fill: #aa8; }\n"
        "circle { fill: #26c; fill-opacity: 0.4; } polyline { fill: none; stroke: #26c; } .one { stroke: #999; }\n"
        "</style></head><body>\n<h1>Norma: tuning</h1>\n";
    text += fmt::format(
        "<p>{}</p>\n<p>Times are those of one thread over the default's, each pair from one process: "
        "below 1 is faster. Bars are bytes read and written a second; the copy moves the same activations.</p>\n",
        escaped(device.dump()));
    const std::vector<Group> groups = find_winners(records);
    text += "<pre>" + escaped(winners_table(groups)) + "</pre>\n";
    for (const Group &group : groups) {
        text += kernel(group, records);
    }
    return text + "</body></html>\n";
}

}  // namespace norma
