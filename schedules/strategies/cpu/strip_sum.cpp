// SPDX-License-Identifier: MIT
#include "strip_sum.h"

#include "generators/algorithms/gradient.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/half_convert.h"

namespace norma {

using namespace Halide;

Lowered strip_sum(norma_dtype y_type) {
    constexpr int columns = 32;  // summed side by side, in registers
    ImageParam partials(Float(32), 2, "partials"), before(halide_type(y_type), 1, "before");
    Param<int32_t> accumulate("accumulate");
    Var d("d"), outer("outer"), inner("inner");
    Func total("total"), y("y");
    RDom strip(0, partials.dim(1).extent(), "strip");
    total(d) = cast<double>(0);
    total(d) += cast<double>(partials(d, strip));
    y(d) = narrow(y_type, cast<float>(total(d) + accumulated(before, accumulate, d)));

    partials.dim(0).set_min(0).set_stride(1);
    partials.dim(1).set_min(0);
    before.dim(0).set_min(0).set_stride(1);
    y.output_buffer().dim(0).set_min(0).set_stride(1);
    y.split(d, outer, inner, columns, TailStrategy::GuardWithIf).vectorize(inner);
    total.compute_at(y, outer).store_in(MemoryType::Stack).bound_extent(d, columns).vectorize(d, columns);
    total.update().reorder(d, strip.x).vectorize(d, columns, TailStrategy::GuardWithIf);

    Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(false, false));
    return {pipeline, {partials, before, accumulate}, 0};
}

Variant strip_sum_variant(norma_dtype y, norma_dtype bias) {
    Variant variant;
    variant.op = strip_sum_op;
    variant.y = y;
    variant.bias = bias;
    return variant;
}

}  // namespace norma
