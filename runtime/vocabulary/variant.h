// SPDX-License-Identifier: MIT
// A variant: what a kernel computes, as a manifest, a kernel's name and a norma_plan_desc say it. Nothing about how.
#pragma once

#include <cstddef>
#include <cstring>

#include "dtypes.h"
#include "ops.h"

namespace norma {

// Where a backward takes mean and rstd from. Of both directions, where x is a slice of longer rows: the slice's part of
// the sums over a row is all that is wanted (partial); or these sums are given (merged; a backward also has mean and
// rstd saved).
enum class Statistics : int32_t { saved, recomputed, partial, merged };

// What data and row strides are multiples of: as much as a kernel takes at once; or elements alone, for the same bits.
enum class Alignment : int32_t { natural, any };

// The hidden sizes that one kernel runs: multiples of `multiple` up to `most` (0: without end), or `exact` alone when
// not 0.
struct HiddenClass {
    int32_t multiple = 1;
    int32_t exact = 0;
    int32_t most = 0;
};

struct Variant {
    norma_op op = NORMA_LAYER_NORM_FORWARD;
    norma_contract contract = NORMA_FP32_ONCE;
    norma_dtype x = NORMA_F32;         // of x and dx
    norma_dtype y = NORMA_F32;         // of y and dy
    norma_dtype y_float = NORMA_NONE;  // of a second y, which is not quantized
    norma_dtype weight = NORMA_NONE;
    norma_dtype bias = NORMA_NONE;
    norma_dtype residual = NORMA_NONE;  // of residual and residual_out; of d_residual
    norma_scale scale = NORMA_SCALE_NONE;
    Statistics statistics = Statistics::saved;
    Alignment alignment = Alignment::natural;
    HiddenClass hidden;
};

inline constexpr Word contract_word_table[] = {
    {NORMA_FP32_ONCE, "fp32_once"}, {NORMA_HF, "hf"}, {NORMA_RELAXED, "relaxed"}};
inline constexpr Word scale_word_table[] = {{NORMA_SCALE_NONE, "none"},         {NORMA_SCALE_TENSOR, "tensor"},
                                            {NORMA_SCALE_ROW, "row"},           {NORMA_SCALE_GROUP_32, "group_32"},
                                            {NORMA_SCALE_GROUP_64, "group_64"}, {NORMA_SCALE_GROUP_128, "group_128"}};
inline constexpr Word statistics_word_table[] = {{(int32_t)Statistics::saved, "saved"},
                                                 {(int32_t)Statistics::recomputed, "recomputed"},
                                                 {(int32_t)Statistics::partial, "partial"},
                                                 {(int32_t)Statistics::merged, "merged"}};
inline constexpr Word alignment_word_table[] = {{(int32_t)Alignment::natural, "natural"},
                                                {(int32_t)Alignment::any, "any"}};
inline constexpr Word device_word_table[] = {{NORMA_CPU, "cpu"}, {NORMA_CUDA, "cuda"}};
inline constexpr Word store_word_table[] = {
    {NORMA_STORE_AUTO, "auto"}, {NORMA_STORE_ORDINARY, "ordinary"}, {NORMA_STORE_STREAMING, "streaming"}};
inline constexpr Words device_words = device_word_table, store_words = store_word_table;  // of plans and runs
inline constexpr Words contract_words = contract_word_table, scale_words = scale_word_table,
                       statistics_words = statistics_word_table, alignment_words = alignment_word_table;

inline constexpr int32_t max_hidden = int32_t{1} << 30;

// The classes that have a name; an exact size is a number.
struct HiddenName {
    const char *name;
    HiddenClass hidden;
};
inline constexpr HiddenName hidden_names[] = {
    {"any", {1, 0, 0}}, {"64n", {64, 0, 0}}, {"any_to_1024", {1, 0, 1024}}, {"64n_to_1024", {64, 0, 1024}}};

// Elements that share a scale; 0 where there are no groups.
constexpr int32_t group_size(norma_scale scale) {
    return scale == NORMA_SCALE_GROUP_32    ? 32
           : scale == NORMA_SCALE_GROUP_64  ? 64
           : scale == NORMA_SCALE_GROUP_128 ? 128
                                            : 0;
}

constexpr bool is_backward(const Variant &variant) { return is_backward(variant.op); }
constexpr bool is_partial(const Variant &variant) { return variant.statistics == Statistics::partial; }
constexpr bool is_merged(const Variant &variant) { return variant.statistics == Statistics::merged; }

// The hidden class, of which only whole groups are left.
constexpr HiddenClass runs(const Variant &variant) {
    HiddenClass hidden = variant.hidden;
    const int32_t group = group_size(variant.scale);
    hidden.multiple = hidden.exact == 0 && group > hidden.multiple ? group : hidden.multiple;
    return hidden;
}

constexpr bool has_hidden(const HiddenClass &hidden, int64_t size) {
    return hidden.exact != 0 ? size == hidden.exact
                             : size % hidden.multiple == 0 && (hidden.most == 0 || size <= hidden.most);
}

// The order of kernels of one variant: an exact hidden size beats any class, a larger multiple a smaller one, and then
// a bound none.
constexpr int64_t specialization(const HiddenClass &hidden) {
    return hidden.exact != 0 ? INT64_MAX : 2 * int64_t{hidden.multiple} + (hidden.most != 0);
}

// Of the classes that have a name, the most special one that has the size.
constexpr const HiddenName &narrowest_class(int64_t size) {
    const HiddenName *narrowest = &hidden_names[0];  // which has every size
    for (const HiddenName &known : hidden_names) {
        const bool narrower = specialization(known.hidden) > specialization(narrowest->hidden);
        narrowest = narrower && has_hidden(known.hidden, size) ? &known : narrowest;
    }
    return *narrowest;
}

}  // namespace norma
