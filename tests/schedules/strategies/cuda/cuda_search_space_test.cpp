// SPDX-License-Identifier: MIT
// Which CUDA kernels are tried beside a variant's default.
#include <set>
#include <tuple>

#include "runtime/vocabulary/variant_name.h"
#include "schedules/strategies/cuda/cuda_rows_knobs.h"
#include "tests/support/catch.h"

namespace {

using namespace norma;
using nlohmann::json;

auto shape_fields(const CudaShape &shape, const json &knobs) {
    return std::tuple(shape.vector, shape.lanes, shape.warps, shape.chunks, shape.rows, shape.sums_in_registers,
                      shape.rows_ahead, shape.load_again, shape.rows_ahead == 0 && knobs.at("no_allocate") != 0);
}

}  // namespace

TEST_CASE("settings tried for CUDA are legal, each of another kernel, and the nearest to the default first", "[cuda]") {
    const json defaults = {{"elements", 32},       {"warp_elements", 32}, {"rows", 4},        {"any_warps", 8},
                           {"strip_elements", 32}, {"strip_warps", 16},   {"no_allocate", 0}, {"least_elements", 8},
                           {"rows_ahead", 1},      {"load_again", 0},     {"again_warps", 12}};
    const std::string forward = "rms_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once.",
                      backward = "rms_norm_backward.x_bf16.w_bf16.y_bf16.fp32_once.";
    for (const std::string &name : {forward + "64", forward + "128", backward + "128", forward + "1024",
                                    forward + "4096", forward + "16384", forward + "any", forward + "64n",
                                    forward + "any_to_1024", backward + "1024", backward + "8192", backward + "64n"}) {
        const Variant variant = parse_name(name);
        INFO(name);
        const std::vector<json> tried = cuda_rows_search_space(variant, defaults, {});
        CHECK_FALSE(tried.empty());
        const CudaShape standard = cuda_shape(cuda_rows_knobs(defaults), variant);
        std::set<decltype(shape_fields(standard, defaults))> shapes = {shape_fields(standard, defaults)};
        int differed = 1;
        for (const json &knobs : tried) {
            INFO(knobs.dump());
            CHECK(cuda_rows_refusal(cuda_rows_knobs(knobs), variant).empty());
            const CudaShape shape = cuda_shape(cuda_rows_knobs(knobs), variant);
            CHECK(shapes.insert(shape_fields(shape, knobs)).second);
            int differ = 0;
            for (const auto &[knob, value] : knobs.items()) {
                differ += defaults.at(knob) != value;
            }
            CHECK(differ >= differed);
            differed = differ;
            const bool same_tree = shape.lanes == standard.lanes && shape.vector == standard.vector &&
                                   shape.warps == standard.warps && shape.chunks == standard.chunks &&
                                   shape.load_again == standard.load_again;
            CHECK(cuda_rows_same_bits(variant, knobs, defaults) == same_tree);
        }
    }
}
