// SPDX-License-Identifier: MIT
#include "cuda_merge.h"

#include <limits>

namespace norma {

using namespace Halide;

Lowered cuda_merge() {
    constexpr int threads = 64;
    ImageParam first(Float(64), 3, "first"), second(Float(64), 3, "second");
    Param<int32_t> slice("slice"), chunk("chunk"), centred("centred");
    Var row("row"), block("block"), thread("thread");
    const Expr chunks = first.dim(0).extent(), ranks = first.dim(2).extent();
    const Expr hidden = cast<double>(slice) * cast<double>(ranks), is_centred = centred != 0;
    RDom k(0, chunks, 0, ranks, "k");
    const Expr elements = cast<double>(min(chunk, slice - k.x * chunk));
    const Expr of_chunk = first(k.x, row, k.y), of_first = first(0, row, 0);
    const Expr is_finite = abs(of_first) <= Expr(std::numeric_limits<double>::max());
    const Expr nothing = cast<double>(0);

    Func around("around"), first_sum("first_sum"), whole_first("whole_first"), second_sum("second_sum");
    Func moments("moments");
    around(row) = select(is_centred && is_finite, of_first, nothing);
    first_sum(row) = nothing;
    first_sum(row) += elements * (of_chunk - around(row));
    whole_first(row) = around(row) + first_sum(row) / hidden;
    const Expr apart = of_chunk - whole_first(row), second_of_chunk = second(k.x, row, k.y);
    second_sum(row) = nothing;
    second_sum(row) += elements * select(is_centred, second_of_chunk + apart * apart, second_of_chunk);
    moments(row) = Tuple(whole_first(row), second_sum(row) / hidden);

    for (ImageParam given : {first, second}) {
        given.dim(0).set_bounds(0, chunks).set_stride(1);
        given.dim(1).set_min(0);
        given.dim(2).set_bounds(0, ranks);
    }
    const std::vector<OutputImageParam> outputs = moments.output_buffers();
    outputs[0].dim(0).set_min(0).set_stride(1);
    outputs[1].dim(0).set_stride(1);
    moments.split(row, block, thread, threads, TailStrategy::GuardWithIf).gpu_blocks(block).gpu_threads(thread);
    for (Func f : {around, first_sum, whole_first, second_sum}) {
        f.compute_at(moments, thread).store_in(MemoryType::Register);
    }
    return {Pipeline(moments), {first, second, slice, chunk, centred}, 0, 0, threads};
}

Variant merge_variant() {
    Variant variant;
    variant.op = merge_op;
    return variant;
}

}  // namespace norma
