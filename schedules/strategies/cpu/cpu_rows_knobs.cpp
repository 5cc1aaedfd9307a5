// SPDX-License-Identifier: MIT
#include "cpu_rows_knobs.h"

#include <algorithm>

#include "schedules/strategies/knob_table.h"

namespace norma {

namespace {

enum Scope { always, short_rows, long_rows, long_half_rows, backward, two_sums, one_size };

// The length of a chunk bounds the error of a sum, and the conversions are given by the target: neither is tried.
const KnobTable<CpuRowsKnobs, Scope> knob_table = {
    "cpu_rows",
    {
        {"rows", &CpuRowsKnobs::rows, {1, 64}, short_rows, {1, 2, 4, 8}},
        {"long_half_rows", &CpuRowsKnobs::long_half_rows, {1, 64}, long_half_rows, {1, 2, 4}},
        {"column_rows", &CpuRowsKnobs::column_rows, {1, 64}, backward, {1, 2, 4}},
        {"column_lanes", &CpuRowsKnobs::column_lanes, {16, 1024, true}, backward, {32, 64, 128}},
        {"store_lanes", &CpuRowsKnobs::store_lanes, {32, 1024, true}, always, {32, 64, 128}},
        {"short_stream_batch", &CpuRowsKnobs::short_stream_batch, {1, 16}, short_rows, {2, 8}},
        {"stream_batch", &CpuRowsKnobs::stream_batch, {1, 16}, long_rows, {1, 2, 4}},
        {"as_class", &CpuRowsKnobs::as_class, {0, 1}, one_size, {0, 1}},
        {"lanes", &CpuRowsKnobs::lanes, {2, 1024, true}, always, {32, 64, 128}},
        {"pair_lanes", &CpuRowsKnobs::pair_lanes, {2, 1024, true}, two_sums, {16, 32, 64}},
        {"vector", &CpuRowsKnobs::vector, {1, 64, true}, always, {4, 8, 16}},
        {"chunk", &CpuRowsKnobs::chunk, {1, 1024}, always, {}},
        {"stream_bytes", &CpuRowsKnobs::stream_bytes, {16, 64, true}, always, {}},
        {"native_f16", &CpuRowsKnobs::native_f16, {0, 1}, always, {}},
        {"native_bf16", &CpuRowsKnobs::native_bf16, {0, 1}, always, {}},
        {"native_fma", &CpuRowsKnobs::native_fma, {0, 1}, always, {}},
    },
};

// Halide converts f16 natively on ARM only where it may also compute in it.
bool converts_f16(const Halide::Target &target) {
    return target.has_feature(Halide::Target::F16C) || target.has_feature(Halide::Target::ARMFp16);
}

bool matters(Scope scope, const Variant &variant, bool is_short) {
    const bool layer_norm = info_of(variant.op).has_mean;
    switch (scope) {
        case short_rows: return is_short;
        case long_rows: return !is_short || is_backward(variant);
        case long_half_rows: return !is_short && !is_backward(variant) && info_of(variant.x).bytes == 2;
        case backward: return is_backward(variant);
        case two_sums: return layer_norm;
        case one_size: return variant.hidden.exact != 0;
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

CpuRowsKnobs cpu_rows_knobs(const nlohmann::json &json) { return knob_table.parse(json); }

std::string cpu_rows_refusal(const CpuRowsKnobs &knobs, const Halide::Target &target) {
    if (knobs.native_f16 != 0 && !converts_f16(target)) {
        return "native_f16 is 1; the target has no such instruction";
    }
    if (knobs.native_bf16 != 0 && !target.has_feature(Halide::Target::AVX512_Zen4)) {
        return "native_bf16 is 1; the target has no such instruction";
    }
    if (knobs.native_fma != 0 && target.arch != Halide::Target::ARM && !target.has_feature(Halide::Target::FMA)) {
        return "native_fma is 1; the target has no such instruction";
    }
    if (const std::string why = knob_table.refusal(knobs); !why.empty()) {
        return why;
    }
    if (knobs.vector > std::min(knobs.lanes, knobs.pair_lanes)) {
        return "vector is " + std::to_string(knobs.vector) + "; expected at most lanes and pair_lanes";
    }
    return "";
}

bool cpu_rows_are_short(const CpuRowsKnobs &knobs, const HiddenClass &hidden) {
    const int most = hidden.exact != 0 ? hidden.exact : hidden.most;
    return most != 0 && most <= 2 * knobs.chunk * std::min(knobs.lanes, knobs.pair_lanes);
}

HiddenClass cpu_rows_hidden(const CpuRowsKnobs &knobs, Variant variant) {
    if (knobs.as_class != 0 && variant.hidden.exact != 0) {
        variant.hidden = narrowest_class(variant.hidden.exact).hidden;
    }
    return runs(variant);
}

int cpu_rows_in_flight(const CpuRowsKnobs &knobs, const Variant &variant) {
    const bool is_backward = norma::is_backward(variant), two_sums = info_of(variant.op).has_mean;
    if (variant.residual != NORMA_NONE) {
        const bool wide = info_of(variant.residual).bytes == 4;
        return wide && !(is_backward && two_sums) ? 1 : knobs.rows;
    }
    if (is_backward || knobs.rows == 1 || knobs.vector < 16) {
        return knobs.rows;
    }
    const bool small = info_of(variant.x).bytes <= 2 && info_of(variant.y).bytes <= 2;
    return knobs.rows * (small ? 4 : two_sums ? 2 : 1);
}

bool cpu_rows_same_tree(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b) {
    const CpuRowsKnobs left = cpu_rows_knobs(a), right = cpu_rows_knobs(b);
    const bool left_short = cpu_rows_are_short(left, cpu_rows_hidden(left, variant)),
               right_short = cpu_rows_are_short(right, cpu_rows_hidden(right, variant));
    return left_short == right_short && left.lanes == right.lanes && left.pair_lanes == right.pair_lanes &&
           left.chunk == right.chunk && left.native_fma == right.native_fma;
}

std::vector<nlohmann::json> cpu_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                  const Halide::Target &target) {
    const bool is_short = cpu_rows_are_short(cpu_rows_knobs(defaults), variant.hidden);
    const int widest = target.natural_vector_size<float>();
    auto wanted = [&](const auto &knob, int value) {
        const bool odd_width = knob.member == &CpuRowsKnobs::vector && (value > widest || 2 * value < widest);
        return matters(knob.scope, variant, is_short) && !odd_width;
    };
    std::vector<nlohmann::json> list = knob_table.combinations(defaults, wanted);
    list.erase(list.begin());
    auto spills = [&](const nlohmann::json &knobs) { return !fits_registers(cpu_rows_knobs(knobs), target); };
    list.erase(std::remove_if(list.begin(), list.end(), spills), list.end());
    return list;
}

}  // namespace norma
