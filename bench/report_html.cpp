// SPDX-License-Identifier: MIT
// The page of a run, from its JSON.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "report.h"
#include "tools/page/page.h"
#include "tools/page/plots.h"

namespace norma::bench {
namespace {

using nlohmann::ordered_json;

std::string shape(const ordered_json &result) {
    return fmt::format("{}x{}", result.at("rows").get<int64_t>(), result.at("hidden").get<int64_t>());
}

// What has a plot of its own, in the order of the run: an op of a type, or a kernel of that.
using Plotted = std::vector<std::pair<std::string, std::vector<const ordered_json *>>>;

Plotted by_title(const ordered_json &results, bool by_kernel) {
    Plotted plotted;
    std::map<std::string, size_t> places;
    for (const ordered_json &result : results) {
        const std::string title =
            by_kernel ? result.at("kernel").get<std::string>()
                      : result.at("op").get<std::string>() + ", " + result.at("dtype").get<std::string>();
        const auto [place, is_new] = places.emplace(title, plotted.size());
        if (is_new) {
            plotted.push_back({title, {}});
        }
        plotted[place->second].second.push_back(&result);
    }
    return plotted;
}

// Times over those of a copy, by shape.
std::string to_copy(const std::string &title, const std::vector<const ordered_json *> &results) {
    Series norma = {"Norma", {}}, yardstick = {"hand-written", {}};
    std::vector<std::string> shapes;
    for (const ordered_json *result : results) {
        const auto x = static_cast<double>(shapes.size());
        const double ratio = result->at("ratio");
        norma.points.emplace_back(x, ratio);
        if (result->contains("yardstick_ratio")) {
            yardstick.points.emplace_back(x, ratio / result->at("yardstick_ratio").get<double>());
        }
        shapes.push_back(shape(*result));
    }
    std::vector<Series> series = {norma};
    if (!yardstick.points.empty()) {
        series.push_back(yardstick);
    }
    return chart(
        {480, 320, title, "rows x hidden", "time / time of a copy (less is better)", shapes, series, true, true});
}

// How long a call with one row takes, where one was measured.
std::string one_row(const ordered_json &results) {
    std::vector<Bar> bars;
    for (const ordered_json &result : results) {
        if (result.at("rows") != 1) {
            continue;
        }
        const std::string what = result.at("op").get<std::string>() + " " + shape(result);
        bars.push_back({what, "Norma", result.at("ns")});
        if (result.contains("yardstick_ns")) {
            bars.push_back({what, "hand-written", result.at("yardstick_ns")});
        }
        bars.push_back({what, "copy", result.at("copy_ns")});
    }
    return bars.empty() ? ""
                        : "<h2>One row</h2>\n" + bar_chart("nanoseconds, the call included (less is better)", bars);
}

}  // namespace

std::string report_html(const ordered_json &run, const std::string &table, bool by_kernel) {
    const auto text_of = [](const ordered_json &json, const char *key) { return escaped(json.at(key)); };
    const ordered_json &machine = run.at("machine"), &results = run.at("results");
    std::string body = fmt::format(
        "<p>Measured on {}, {}, {}, by Norma {}: <code>{}</code></p>\n"
        "<p>Times are those of kernels over a copy of the same bytes, in turns in one run, on {} thread(s); 1, the "
        "line, is the limit of memory, and of what fits into a cache no limit.</p>\n",
        text_of(run, "date"), text_of(machine, "cpu"), text_of(machine, "os"), text_of(machine, "norma"),
        text_of(run, "command"), results.front().at("threads").get<int>());
    for (const auto &[title, of_title] : by_title(results, by_kernel)) {
        body += to_copy(title, of_title);
    }
    return page("Norma: benchmark", body + one_row(results) + preformatted("Results", table));
}

}  // namespace norma::bench
