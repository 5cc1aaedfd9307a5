// SPDX-License-Identifier: MIT
// Which CUDA kernels are tried beside a variant's default.
#include <set>
#include <tuple>

#include "../schedules/strategies/cuda_rows.h"
#include "catch.h"

namespace {

using namespace norma;
using nlohmann::json;

auto fields(const CudaShape &shape) { return std::tuple(shape.vector, shape.warps, shape.chunks, shape.rows); }

}  // namespace

TEST_CASE("settings tried for CUDA are legal, each of another shape, and the nearest to the default first", "[cuda]") {
    const json defaults = {{"elements", 16}, {"warp_elements", 32}, {"rows", 4}, {"any_warps", 8}};
    for (const char *hidden : {"128", "1024", "4096", "16384", "any", "64n", "any_to_1024"}) {
        const Variant variant = parse_name(std::string("rms_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once.") + hidden);
        INFO(hidden);
        const std::vector<json> tried = cuda_rows_tried(variant, defaults, {});
        CHECK_FALSE(tried.empty());
        const CudaShape standard = cuda_shape(cuda_rows_knobs(defaults), variant);
        std::set<std::tuple<int, int, int, int>> shapes = {fields(standard)};
        int differed = 1;
        for (const json &knobs : tried) {
            INFO(knobs.dump());
            CHECK(cuda_rows_refusal(cuda_rows_knobs(knobs), variant).empty());
            const CudaShape shape = cuda_shape(cuda_rows_knobs(knobs), variant);
            CHECK(shapes.insert(fields(shape)).second);
            int differ = 0;
            for (const auto &[knob, value] : knobs.items()) {
                differ += defaults.at(knob) != value;
            }
            CHECK(differ >= differed);
            differed = differ;
            const bool same_tree = shape.warps == standard.warps && shape.chunks == standard.chunks;
            CHECK(cuda_rows_same_bits(variant, knobs, defaults) == same_tree);
        }
    }
}
