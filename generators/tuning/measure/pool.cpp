// SPDX-License-Identifier: MIT
#include "pool.h"

#include <algorithm>

namespace norma {

using nlohmann::json;

namespace {

double ratio(const json &result) { return result.at("ns").get<double>() / result.at("default_ns").get<double>(); }

}  // namespace

json pooled(const std::vector<json> &of_processes) {
    std::vector<json> results = of_processes;
    for (const json &result : results) {
        if (result.contains("why")) {
            return result;
        }
    }
    const auto middle = results.begin() + static_cast<std::ptrdiff_t>(results.size() / 2);
    std::nth_element(results.begin(), middle, results.end(),
                     [](const json &a, const json &b) { return ratio(a) < ratio(b); });
    json all = *middle;
    all["rounds"] = all["repeats"] = 0;
    for (const json &result : results) {
        const double scale = all.at("default_ns").get<double>() / result.at("default_ns").get<double>();
        for (const char *name : {"interval", "default_interval", "control_interval"}) {
            json &ends = all.at(name);
            ends = {std::min(ends.at(0).get<double>(), scale * result.at(name).at(0).get<double>()),
                    std::max(ends.at(1).get<double>(), scale * result.at(name).at(1).get<double>())};
        }
        for (const char *name : {"rounds", "repeats"}) {
            all[name] = all.at(name).get<int64_t>() + result.at(name).get<int64_t>();
        }
    }
    return all;
}

}  // namespace norma
