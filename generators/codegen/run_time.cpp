// SPDX-License-Identifier: MIT
#include "run_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace norma {

namespace {

struct Tried {
    const char *name;
    std::vector<int64_t> values;
};

const Tried tried[] = {
    {"streaming_threshold", {int64_t{4} << 20, int64_t{16} << 20, int64_t{64} << 20, int64_t{1} << 40}},
    {"prefetch_row_max", {0}},
};

}  // namespace

bool left_to_caches(const nlohmann::json &run_time, const std::string &name) {
    return name == "streaming_threshold" && run_time.value(name, int64_t{1}) == threshold_of_caches;
}

nlohmann::json all_knobs(const KernelSpec &spec) {
    nlohmann::json all = spec.knobs;
    all.update(spec.target.run_time);
    return all;
}

KernelSpec with_knobs(KernelSpec spec, const nlohmann::json &knobs) {
    for (const auto &[name, value] : knobs.items()) {
        if (!spec.target.run_time.contains(name)) {
            spec.knobs[name] = value;
            continue;
        }
        const auto choice = std::find_if(std::begin(run_time_choices), std::end(run_time_choices),
                                         [&, &wanted = name](const RunTimeChoice &c) { return wanted == c.name; });
        if (!value.is_number_integer() || !choice->contains(value)) {
            throw std::invalid_argument(
                fmt::format("{} is {}; expected {} to {}", name, value.dump(), choice->least, choice->most));
        }
        spec.target.run_time[name] = value;
    }
    return spec;
}

std::vector<KernelSpec> run_time_search_space(const KernelSpec &spec) {
    std::vector<KernelSpec> list;
    for (const Tried &choice : tried) {
        for (int64_t value : choice.values) {
            if (!left_to_caches(spec.target.run_time, choice.name) &&
                spec.target.run_time.value(choice.name, value) != value) {
                list.push_back(with_knobs(spec, {{choice.name, value}}));
            }
        }
    }
    return list;
}

}  // namespace norma
