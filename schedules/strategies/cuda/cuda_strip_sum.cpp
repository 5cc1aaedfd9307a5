// SPDX-License-Identifier: MIT
#include "cuda_strip_sum.h"

#include "generators/algorithms/gradient.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/half_convert.h"

namespace norma {

using namespace Halide;

Lowered cuda_strip_sum(norma_dtype y_type) {
    constexpr int columns = 32, warps = 8;
    ImageParam partials(Float(32), 2, "partials"), before(halide_type(y_type), 1, "before");
    Param<int32_t> accumulate("accumulate");
    Var d("d"), warp("warp"), block("block"), lane("lane");
    Func of_warp("of_warp"), y("y");
    const Expr strips = partials.dim(1).extent(), hidden = partials.dim(0).extent();
    RDom k(0, (strips + warps - 1) / warps, "strip");
    const Expr strip = warp + warps * k;
    const Expr column = min(d, hidden - 1);
    of_warp(d, warp) = cast<double>(0);
    of_warp(d, warp) += select(strip < strips, cast<double>(partials(column, min(strip, strips - 1))), cast<double>(0));

    std::vector<Expr> sums;
    for (int i = 0; i < warps; i++) {
        sums.push_back(of_warp(d, i));
    }
    for (int apart = 1; apart < warps; apart *= 2) {
        for (int i = 0; i < warps; i += 2 * apart) {
            sums[i] = sums[i] + sums[i + apart];
        }
    }
    y(d) = narrow(y_type, cast<float>(sums[0] + accumulated(before, accumulate, d)));

    partials.dim(0).set_min(0).set_stride(1);
    partials.dim(1).set_min(0);
    before.dim(0).set_min(0).set_stride(1);
    y.output_buffer().dim(0).set_min(0).set_stride(1);
    y.split(d, block, lane, columns, TailStrategy::GuardWithIf).gpu_blocks(block).gpu_threads(lane);
    of_warp.compute_at(y, block).store_in(MemoryType::GPUShared).bound_extent(d, columns).gpu_threads(d, warp);
    of_warp.update().reorder(k.x, d, warp).gpu_threads(d, warp);

    Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(true, false));
    return {pipeline, {partials, before, accumulate}, 0, 0, columns * warps};
}

}  // namespace norma
