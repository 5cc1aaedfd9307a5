// SPDX-License-Identifier: MIT
#include "plain.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "generators/algorithms/algorithm.h"
#include "generators/algorithms/oracle_row.h"
#include "runtime/kernel_host/cpu/scratch.h"

namespace norma {

using namespace Halide;

namespace {

// The shape that autoschedulers are told to expect.
constexpr int estimated_rows = 1024, estimated_hidden = 4096;

std::string beside_halide(const std::string &file) {
    Dl_info halide{};
    dladdr(reinterpret_cast<void *>(load_plugin), &halide);
    return (std::filesystem::path(halide.dli_fname).parent_path() / file).string();
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return (char)std::tolower(c); });
    return text;
}

// An autoscheduler may let a loop's last step reach beyond a row, or beyond the rows, of which it expects many. A
// kernel of a library has to keep to what it is given, and to its thread.
void keep_within_bounds(Internal::StageSchedule &schedule) {
    for (Internal::Split &split : schedule.splits()) {
        if (split.split_type == Internal::Split::SplitVar && !split.exact) {
            split.tail = TailStrategy::GuardWithIf;
        }
    }
    for (Internal::Dim &dim : schedule.dims()) {
        if (dim.for_type == Internal::ForType::Parallel) {
            dim.for_type = Internal::ForType::Serial;
        }
    }
}

void keep_within_bounds(const Pipeline &pipeline) {
    std::map<std::string, Internal::Function> functions;
    for (const Func &output : pipeline.outputs()) {
        const auto called = Internal::find_transitive_calls(output.function());
        functions.insert(called.begin(), called.end());
    }
    for (auto &[function_name, function] : functions) {
        keep_within_bounds(function.definition().schedule());
        for (size_t i = 0; i < function.updates().size(); i++) {
            keep_within_bounds(function.update((int)i).schedule());
        }
    }
}

Lowered lower_autoscheduled(const Variant &variant, const Target &target, const AutoschedulerParams &parameters) {
    load_plugin(beside_halide("libautoschedule_" + lower_case(parameters.name) + ".so"));
    OracleRow row{Float(32)};
    find_algorithm(variant.op)(row, variant);
    Pipeline pipeline = row.lower();
    const HiddenClass known = variant.hidden;
    row.estimate(estimated_rows, known.exact != 0 ? known.exact : known.most != 0 ? known.most : estimated_hidden);
    pipeline.apply_autoscheduler(target, parameters);
    if (!target.has_gpu_feature()) {
        keep_within_bounds(pipeline);
    }
    return {pipeline, row.inputs(), unknown_workspace};
}

}  // namespace

Lowered lower_oracle(const Variant &variant, const nlohmann::json &, const Target &) {
    OracleRow row;
    find_algorithm(variant.op)(row, variant);
    for (Func f : row.reductions()) {
        f.compute_root();
    }
    return {row.lower(), row.inputs(), 0};
}

Lowered lower_adams2019(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Adams2019", {{"parallelism", "1"}}});
}

Lowered lower_li2018(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Li2018", {{"parallelism", "1"}}});
}

Lowered lower_mullapudi2016(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Mullapudi2016", {{"parallelism", "1"}}});
}

Lowered lower_anderson2021(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Anderson2021", {{"parallelism", "128"}}});
}

}  // namespace norma
