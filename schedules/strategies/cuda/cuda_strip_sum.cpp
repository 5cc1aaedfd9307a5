// SPDX-License-Identifier: MIT
#include "cuda_strip_sum.h"

#include "generators/algorithms/gradient.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/half_convert.h"

namespace norma {

using namespace Halide;

Lowered cuda_strip_sum(norma_dtype y_type, int gradients) {
    // Threads to a column: enough for the strips of short rows, of which there are thousands, and but few columns.
    constexpr int columns = 8, threads = 128, loads = 4;
    ImageParam partials(Float(32), 3, "partials");
    Param<int32_t> accumulate("accumulate");
    Var d("d"), thread("thread"), block("block"), lane("lane");
    Func of_thread("of_thread"), y("y");
    const Expr strips = partials.dim(1).extent(), hidden = partials.dim(0).extent();
    constexpr int at_once = threads * loads;
    RDom k(0, loads, 0, (strips + at_once - 1) / at_once, "strip");
    const Expr strip = thread + threads * (k.x + loads * k.y);
    const Expr column = min(d, hidden - 1);
    auto of_each = [&](const std::function<Expr(int)> &value) {
        std::vector<Expr> values;
        for (int gradient = 0; gradient < gradients; gradient++) {
            values.push_back(value(gradient));
        }
        return Tuple(values);
    };
    auto at = [&](const Func &f, const Expr &of, int gradient) {
        return f.outputs() == 1 ? Expr(f(d, of)) : Expr(f(d, of)[gradient]);
    };
    of_thread(d, thread) = of_each([](int) { return cast<double>(0); });
    of_thread(d, thread) = of_each([&](int gradient) {
        const Expr partial = cast<double>(partials(column, min(strip, strips - 1), gradient));
        return at(of_thread, thread, gradient) + select(strip < strips, partial, cast<double>(0));
    });

    // Half of the threads add the others' sums to theirs, until one has them all.
    std::vector<Func> tree = {of_thread};
    for (int left = threads / 2; left >= 1; left /= 2) {
        Func pairs("of_" + std::to_string(left));
        pairs(d, thread) = of_each(
            [&](int gradient) { return at(tree.back(), thread, gradient) + at(tree.back(), thread + left, gradient); });
        tree.push_back(pairs);
    }
    std::vector<Argument> inputs = {partials};
    y(d) = of_each([&](int gradient) {
        ImageParam before(halide_type(y_type), 1, "before_" + std::to_string(gradient));
        before.dim(0).set_min(0).set_stride(1);
        inputs.push_back(before);
        return narrow(y_type, cast<float>(at(tree.back(), 0, gradient) + accumulated(before, accumulate, d)));
    });
    inputs.push_back(accumulate);

    partials.dim(0).set_min(0).set_stride(1);
    partials.dim(1).set_min(0);
    partials.dim(2).set_min(0);
    y.output_buffers()[0].dim(0).set_min(0);
    for (OutputImageParam buffer : y.output_buffers()) {
        buffer.dim(0).set_stride(1);
    }
    y.split(d, block, lane, columns, TailStrategy::GuardWithIf).gpu_blocks(block).gpu_threads(lane);
    for (Func f : tree) {
        f.compute_at(y, block).store_in(MemoryType::GPUShared).bound_extent(d, columns).gpu_threads(d, thread);
    }
    of_thread.update().reorder(k.x, k.y, d, thread).unroll(k.x).gpu_threads(d, thread);

    Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(true, false));
    return {pipeline, inputs, 0, 0, columns * threads};
}

}  // namespace norma
