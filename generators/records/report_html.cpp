// SPDX-License-Identifier: MIT
// The HTML report.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "report.h"
#include "search_curve.h"
#include "tools/page/page.h"
#include "tools/page/plots.h"

namespace norma {

namespace {

// Bytes a second at each shape. The copy is the roof; the others are beside it.
std::string roofline(const Group &group) {
    std::vector<Bar> bars;
    std::map<size_t, std::vector<const Record *>> others;  // that never win, by cell
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
    return bar_chart("bytes read and written a second, GB/s", bars);
}

// Where it won: geometric means over a device's kernels of the times over a copy's, at each shape.
std::string to_copy_by_shape(const std::vector<Group> &groups) {
    std::map<std::pair<int64_t, std::string>, std::map<std::string, std::vector<double>>> shapes;  // by size; kind
    for (const Group &group : groups) {
        for (const auto &[cell, record] : group.contenders.front().cells) {
            if (record->ok() && record->copy_ns > 0) {
                auto &of_shape = shapes[{record->rows * record->hidden, bucket(*record)}];
                of_shape["default"].push_back(std::log(record->default_ns / record->copy_ns));
                of_shape["winner"].push_back(
                    std::log((group.has_winner() ? record->ns : record->default_ns) / record->copy_ns));
            }
        }
    }
    std::vector<Bar> bars;
    for (const auto &[shape, kinds] : shapes) {
        for (const auto &[kind, logs] : kinds) {
            const double sum = std::accumulate(logs.begin(), logs.end(), 0.0);
            bars.push_back({shape.second, kind, std::exp(sum / (double)logs.size())});
        }
    }
    return bars.empty() ? "" : bar_chart("time over that of a copy of the same bytes (the line)", bars, 1);
}

// The winners that gain most beyond doubt, with the ends of their intervals at the shape where they do.
std::string greatest_gains(const std::vector<Group> &groups) {
    constexpr size_t most = 5;
    std::vector<const Record *> best;
    for (const Group &group : groups) {
        const Record *of_group = nullptr;
        for (const auto &[cell, record] : group.contenders.front().cells) {
            const bool better = group.has_winner() && record->is_faster() &&
                                (of_group == nullptr || record->ratio() < of_group->ratio());
            of_group = better ? record : of_group;
        }
        if (of_group != nullptr) {
            best.push_back(of_group);
        }
    }
    std::sort(best.begin(), best.end(), [](const Record *a, const Record *b) { return a->ratio() < b->ratio(); });
    best.resize(std::min(best.size(), most));
    std::string text;
    for (const Record *record : best) {
        text += fmt::format("<tr><td>{:.2f}</td><td>{:.2f} to {:.2f}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                            record->ratio(), record->low / record->default_high, record->high / record->default_low,
                            bucket(*record), record->target, escaped(record->variant));
    }
    return best.empty()
               ? ""
               : "<table><tr><th>to default</th><th>95 %</th><th>at</th><th>target</th><th>kernel</th></tr>\n" + text +
                     "</table>\n";
}

// What was won on a device, and where.
std::string answer(const std::string &device, const std::vector<Group> &groups) {
    double sum = 0;
    size_t won = 0;
    for (const Group &group : groups) {
        won += group.has_winner();
        sum += group.has_winner() ? std::log(group.contenders.front().score) : 0;
    }
    const std::string mean =
        won == 0 ? "" : fmt::format(", {:.3f} of the default's time on average", std::exp(sum / (double)won));
    return fmt::format("<h2>{}</h2>\n<p><strong>{} of {} kernels gained{}.</strong></p>\n", escaped(device), won,
                       groups.size(), mean) +
           to_copy_by_shape(groups) + greatest_gains(groups);
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
    const auto to_default = [](const std::string &title, const std::string &x_title,
                               const std::vector<std::pair<double, double>> &points,
                               const std::vector<std::string> &labels, bool lines) {
        return chart({320, 190, title, x_title, "time / default's", labels, {{"", points}}, lines, false, 3});
    };
    std::string text = convergence.size() < 2 ? "" : to_default("best trial so far", "trial", convergence, {}, true);
    if (const SearchCurve curve = search_curve(records); !curve.search.empty()) {
        text += chart({320,
                       190,
                       "chosen so far",
                       "seconds",
                       "time / default's",
                       {},
                       {{"the search", curve.search}, {"in random order", curve.random}}});
    }
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
        text += to_default("", knob, points, labels, false);
    }
    return text + fmt::format("<p>{} trials, of which {} failed.</p>\n", records.size(), failures);
}

}  // namespace

std::string report_html(const Report &report) {
    std::string last_date;
    std::map<std::array<std::string, 3>, std::vector<const Record *>> of_kernel;  // on a device
    for (const Record &record : report.records) {
        last_date = std::max(last_date, record.date);
        of_kernel[{record.target, record.variant, device_text(record)}].push_back(&record);
    }
    const std::vector<Group> groups = find_winners(report.records);
    std::map<std::string, std::vector<Group>> by_device;
    for (const Group &group : groups) {
        by_device[devices_text(group)].push_back(group);
    }
    std::string text;
    for (const auto &[device, of_device] : by_device) {
        text += answer(device, of_device);
    }
    text += fmt::format(
        "<p>Measured until {}; page made by <code>{}</code>. Times are those of one thread, or of the GPU, over the "
        "default's, each pair from one process: below 1 is faster. The copy moves the same activations.</p>\n",
        escaped(last_date), escaped(report.command));
    text += preformatted("Winners", tables(groups));
    text += preformatted("Winners that differ from those of the other set", report.differences);
    for (const Group &group : groups) {
        const std::string score =
            group.has_winner() ? fmt::format("{:.3f}", group.contenders.front().score) : std::string("default");
        text += fmt::format("<details{}><summary>{} for {}: {}</summary>\n", groups.size() == 1 ? " open=\"open\"" : "",
                            escaped(group.variant), escaped(group.target), score);
        text += roofline(group) + table(group) + trials(of_kernel[{group.target, group.variant, devices_text(group)}]);
        if (auto loop = report.loops.find({group.target, group.variant}); loop != report.loops.end()) {
            text += preformatted("The winner's inner loop", loop->second);
        }
        text += "</details>\n";
    }
    return page("Norma: tuning", text);
}

}  // namespace norma
