// SPDX-License-Identifier: MIT
#include "plain.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "generators/algorithms/algorithm.h"
#include "generators/algorithms/oracle_row.h"

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

Lowered lower_autoscheduled(const Variant &variant, const Target &target, const AutoschedulerParams &parameters) {
    load_plugin(beside_halide("libautoschedule_" + lower_case(parameters.name) + ".so"));
    OracleRow row{Float(32)};
    find_algorithm(variant.op)(row, variant);
    Pipeline pipeline = row.lower();
    const HiddenClass known = variant.hidden;
    row.estimate(estimated_rows, known.exact != 0 ? known.exact : known.most != 0 ? known.most : estimated_hidden);
    pipeline.apply_autoscheduler(target, parameters);
    return {pipeline, row.inputs(), 0};
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

Lowered lower_mullapudi2016(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Mullapudi2016", {{"parallelism", "1"}}});
}

Lowered lower_anderson2021(const Variant &variant, const nlohmann::json &, const Target &target) {
    return lower_autoscheduled(variant, target, {"Anderson2021", {{"parallelism", "128"}}});
}

}  // namespace norma
