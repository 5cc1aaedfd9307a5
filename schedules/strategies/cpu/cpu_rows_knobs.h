// SPDX-License-Identifier: MIT
// The knobs of strategy cpu_rows: what they mean, which values are legal, and which are worth trying.
#pragma once

#include <Halide.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant.h"

namespace norma {

struct CpuRowsKnobs {
    // Partial sums kept side by side by a sweep with one sum, and by each sum of a sweep with two. They are the leaves
    // of the reduction tree, so they decide the bits. Enough to hide the latency of an add, few enough to stay in
    // registers.
    int lanes = 64;
    int pair_lanes = 64;
    // Blocks of `lanes` elements that are summed plainly; chunks join the row's total with their rounding errors, so
    // this bounds the error of a row of any length.
    int chunk = 16;
    // Short rows worked on together: while one waits for its square root, the others sum. Some kernels take more or
    // fewer (cpu_rows_in_flight).
    int rows = 1;
    // The same of long rows of 16-bit elements, which share what is widened of weight and bias, unless they are so long
    // that they would leave the caches meanwhile.
    int long_half_rows = 1;
    // With column sums: the elements, and unless rows are short the rows, that are worked on together, so that a
    // column's sum stays in a register.
    int column_rows = 2;
    int column_lanes = 64;
    // fp32 elements in one vector register of the target.
    int vector = 16;
    // Elements computed and stored together: one whole cache line at least, so that streaming stores fill it.
    int store_lanes = 64;
    // Bytes of one streaming store of the target: 16, 32 or 64.
    int stream_bytes = 64;
    // Blocks of store_lanes that are streamed at once. Each batch costs a call; but a long one keeps memory waiting,
    // then busy.
    int stream_batch = 2;
    int short_stream_batch = 8;
    // Whether to convert with the target's own instructions (F16C; AVX512-BF16). Same bits, far fewer instructions.
    int native_f16 = 0;
    int native_bf16 = 0;
    // Whether a product and a sum are rounded once together, by FMA.
    int native_fma = 0;
    // Of a kernel for one hidden size: whether its code is that of its class, for every size, where that is faster.
    int as_class = 0;
};

CpuRowsKnobs cpu_rows_knobs(const nlohmann::json &json);  // throws std::invalid_argument on an unknown knob
std::string cpu_rows_refusal(const CpuRowsKnobs &knobs, const Halide::Target &target);  // empty when legal

// Whether two chunks hold a row of any of the hidden sizes: then there is no need for more than one.
bool cpu_rows_are_short(const CpuRowsKnobs &knobs, const HiddenClass &hidden);

// The hidden sizes that the kernel's code is for.
HiddenClass cpu_rows_hidden(const CpuRowsKnobs &knobs, Variant variant);

// Short rows worked on together. Where what is computed once for a row takes as long as its elements, there are more of
// them, for which it is then computed in vectors: in LayerNorm, and with elements of 16 bits, which also take half as
// much of the cache; but only where a vector holds 8 float64. With a residual in fp32 there is one: beyond the caches,
// more take up to 1.6 times as long.
int cpu_rows_in_flight(const CpuRowsKnobs &knobs, const Variant &variant);

// Settings worth measuring for a variant beside the defaults, the nearest to them first.
std::vector<nlohmann::json> cpu_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                  const Halide::Target &target);
// Whether two settings add a row's elements in the same order: then their kernels give the same bits.
bool cpu_rows_same_tree(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b);

}  // namespace norma
