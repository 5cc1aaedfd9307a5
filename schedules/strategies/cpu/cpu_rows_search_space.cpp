// SPDX-License-Identifier: MIT
// Which knobs of cpu_rows are worth tuning for a variant, and the values to try.
#include <algorithm>

#include "cpu_rows.h"

namespace norma {

namespace {

enum Scope { always, short_rows, long_rows, backward, two_sums };

struct Axis {
    const char *knob;
    Scope scope;
    std::vector<int> values;
};

// The length of a chunk bounds the error of a sum, and the conversions are given by the target: neither is tried.
const Axis axes[] = {
    {"rows", short_rows, {1, 2, 4, 8}},
    {"column_rows", backward, {1, 2, 4}},
    {"column_lanes", backward, {32, 64, 128}},
    {"store_lanes", always, {32, 64, 128}},
    {"short_store_batch", short_rows, {2, 8}},
    {"store_batch", long_rows, {1, 2, 4}},
    {"lanes", always, {32, 64, 128}},
    {"pair_lanes", two_sums, {16, 32, 64}},
    {"vector", always, {4, 8, 16}},
};

bool matters(Scope scope, const Variant &variant, bool is_short) {
    const bool layer_norm = info_of(variant.op).has_mean;
    switch (scope) {
        case short_rows: return is_short;
        case long_rows: return !is_short || is_backward(variant);
        case backward: return is_backward(variant);
        case two_sums: return layer_norm;
        default: return true;
    }
}

// Vector registers that the lanes of a sweep's sums occupy: with more than the target has, each addition goes through
// memory.
bool fits_registers(const CpuRowsKnobs &knobs, const Halide::Target &target) {
    const int registers = target.arch == Halide::Target::ARM || target.has_feature(Halide::Target::AVX512) ? 32 : 16;
    return knobs.lanes / knobs.vector <= registers && 2 * knobs.pair_lanes / knobs.vector <= registers;
}

}  // namespace

bool cpu_rows_same_tree(const nlohmann::json &a, const nlohmann::json &b) {
    const CpuRowsKnobs left = cpu_rows_knobs(a), right = cpu_rows_knobs(b);
    return left.lanes == right.lanes && left.pair_lanes == right.pair_lanes && left.chunk == right.chunk;
}

std::vector<nlohmann::json> cpu_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                  const Halide::Target &target) {
    const bool is_short = cpu_rows_are_short(cpu_rows_knobs(defaults), variant.hidden);
    const int widest = target.natural_vector_size<float>();
    std::vector<std::pair<int, nlohmann::json>> found = {{0, defaults}};  // with how many knobs differ
    for (const Axis &axis : axes) {
        if (!matters(axis.scope, variant, is_short)) {
            continue;
        }
        const size_t before = found.size();
        for (int value : axis.values) {
            if (axis.knob == std::string("vector") && (value > widest || 2 * value < widest)) {
                continue;
            }
            for (size_t i = 0; i < before; i++) {
                auto [differ, knobs] = found[i];
                if (cpu_rows_knobs(knobs).*cpu_rows_member(axis.knob) != value) {
                    knobs[axis.knob] = value;
                    found.emplace_back(differ + 1, knobs);
                }
            }
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    std::vector<nlohmann::json> list;
    for (const auto &[differ, knobs] : found) {
        const CpuRowsKnobs values = cpu_rows_knobs(knobs);
        if (differ != 0 && fits_registers(values, target)) {
            list.push_back(knobs);
        }
    }
    return list;
}

}  // namespace norma
