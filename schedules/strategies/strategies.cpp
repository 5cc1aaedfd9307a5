// SPDX-License-Identifier: MIT
#include "strategies.h"

#include <stdexcept>

#include "generators/algorithms/algorithm.h"
#include "plain.h"
#include "schedules/strategies/cpu/cpu_rows.h"
#include "schedules/strategies/cpu/strip_sum.h"
#include "schedules/strategies/cuda/cuda_merge.h"
#include "schedules/strategies/cuda/cuda_rows.h"
#include "schedules/strategies/cuda/cuda_strip_sum.h"
#include "tools/base/text.h"

namespace norma {

namespace {

std::string refuse_cpu_rows(const Variant &, const nlohmann::json &json, const Halide::Target &target) {
    return cpu_rows_refusal(cpu_rows_knobs(json), target);
}

Lowered lower_cpu_rows(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target) {
    const CpuRowsKnobs cpu_knobs = cpu_rows_knobs(knobs);
    CpuRow row(cpu_knobs, cpu_rows_hidden(cpu_knobs, variant), cpu_rows_in_flight(cpu_knobs, variant));
    find_algorithm(variant.op)(row, variant);
    Halide::Pipeline pipeline = row.lower(target);
    return {pipeline, row.inputs(), row.workspace_per_element()};
}

std::string refuse_any_knob(const Variant &, const nlohmann::json &knobs, const Halide::Target &) {
    return knobs.empty() ? "" : "\"" + knobs.begin().key() + "\" is a knob, of which this strategy has none";
}

Lowered lower_strip_sum(const Variant &variant, const nlohmann::json &, const Halide::Target &) {
    return strip_sum(variant.y);
}

std::vector<nlohmann::json> try_once(const Variant &, const nlohmann::json &, const Halide::Target &) {
    return {nlohmann::json::object()};
}

std::string refuse_cuda_rows(const Variant &variant, const nlohmann::json &json, const Halide::Target &) {
    return cuda_rows_refusal(cuda_rows_knobs(json), variant);
}

Lowered lower_cuda_rows(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &) {
    const CudaRowsKnobs cuda_knobs = cuda_rows_knobs(knobs);
    const CudaShape shape = cuda_shape(cuda_knobs, variant);
    CudaRow row(shape);
    find_algorithm(variant.op)(row, variant);
    Halide::Pipeline pipeline = row.lower();
    const bool rows_once = shape.in_registers() && shape.rows_ahead == 0 && cuda_knobs.no_allocate != 0;
    return {pipeline, row.inputs(), 0, shape.alignment(variant), shape.threads(), rows_once};
}

Lowered lower_cuda_merge(const Variant &, const nlohmann::json &, const Halide::Target &) { return cuda_merge(); }

Lowered lower_cuda_strip_sum(const Variant &variant, const nlohmann::json &, const Halide::Target &) {
    return cuda_strip_sum(variant.y, variant.bias == NORMA_NONE ? 1 : 2);
}

const Strategy list[] = {
    {"cpu_rows", NORMA_CPU, refuse_cpu_rows, lower_cpu_rows, cpu_rows_search_space, cpu_rows_same_tree},
    {"cuda_rows", NORMA_CUDA, refuse_cuda_rows, lower_cuda_rows, cuda_rows_search_space, cuda_rows_same_bits},
    {"cuda_merge", NORMA_CUDA, refuse_any_knob, lower_cuda_merge, nullptr, nullptr},
    {"cuda_strip_sum", NORMA_CUDA, refuse_any_knob, lower_cuda_strip_sum, nullptr, nullptr},
    {"strip_sum", NORMA_CPU, refuse_any_knob, lower_strip_sum, nullptr, nullptr},
    {"oracle", NORMA_CPU, refuse_any_knob, lower_oracle, nullptr, nullptr},
    {"adams2019", NORMA_CPU, refuse_any_knob, lower_adams2019, try_once, nullptr},
    {"li2018", NORMA_CPU, refuse_any_knob, lower_li2018, try_once, nullptr},
    {"mullapudi2016", NORMA_CPU, refuse_any_knob, lower_mullapudi2016, try_once, nullptr},
    {"anderson2021", NORMA_CUDA, refuse_any_knob, lower_anderson2021, try_once, nullptr},
};

}  // namespace

const Strategy &find_strategy(const std::string &name) {
    std::vector<std::string> known;
    for (const Strategy &strategy : list) {
        if (name == strategy.name) {
            return strategy;
        }
        known.push_back(strategy.name);
    }
    throw std::invalid_argument("\"" + name + "\" is not a strategy; expected one of " + comma_separated(known));
}

std::vector<const Strategy *> strategies_to_tune() {
    std::vector<const Strategy *> tuned;
    for (const Strategy &strategy : list) {
        if (strategy.search_space != nullptr) {
            tuned.push_back(&strategy);
        }
    }
    return tuned;
}

}  // namespace norma
