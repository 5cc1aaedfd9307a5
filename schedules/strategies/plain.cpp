// SPDX-License-Identifier: MIT
#include "plain.h"

#include <mutex>

#include "../../generators/ops.h"
#include "../../generators/oracle_row.h"

namespace norma {

using namespace Halide;

namespace {

// The shape that autoschedulers are told to expect.
constexpr int estimated_rows = 1024, estimated_hidden = 4096;

Lowered lower_autoscheduled(const Variant &variant, const Target &target, const AutoschedulerParams &parameters) {
    static std::once_flag loaded;
    std::call_once(loaded, [&] {
        for (const char *plugin : {"autoschedule_adams2019", "autoschedule_mullapudi2016"}) {
            load_plugin(plugin);
        }
    });
    OracleRow row{Float(32)};
    find_op(variant.op).algorithm(row, variant);
    Pipeline pipeline = row.lower();
    const int hidden = variant.hidden.exact != 0  ? variant.hidden.exact
                       : variant.hidden.most != 0 ? variant.hidden.most
                                                  : estimated_hidden;
    for (Func f : pipeline.outputs()) {
        const bool statistic = f.dimensions() == 1 && f.name().find("dweight") != 0 && f.name().find("dbias") != 0;
        const int first = group_size(variant.scale) != 0 && f.name() == "y_scale" ? hidden / group_size(variant.scale)
                          : statistic                                             ? estimated_rows
                                                                                  : hidden;
        f.set_estimate(f.args()[0], 0, first);
        if (f.dimensions() == 2) {
            f.set_estimate(f.args()[1], 0, estimated_rows);
        }
    }
    pipeline.apply_autoscheduler(target, parameters);
    return {pipeline, row.inputs(), 0};
}

}  // namespace

Lowered lower_oracle(const Variant &variant, const nlohmann::json &, const Target &) {
    OracleRow row;
    find_op(variant.op).algorithm(row, variant);
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

}  // namespace norma
