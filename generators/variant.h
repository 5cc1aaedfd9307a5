// SPDX-License-Identifier: MIT
// A variant: what a kernel computes, as the manifest says it. Nothing about how.
#pragma once

#include <string>

namespace norma {

enum class DType { none, f32, f16, bf16 };

enum class Contract { fp32_once, hf };

// Where a backward takes mean and rstd from.
enum class Statistics { saved, recomputed };

// The hidden sizes that one kernel runs: multiples of `multiple` up to `most` (0: without end), or `exact` alone when
// not 0.
struct HiddenClass {
    int multiple = 1;
    int exact = 0;
    int most = 0;
};

struct Variant {
    std::string op;  // "layer_norm_forward": a key of ops()
    Contract contract = Contract::fp32_once;
    DType x = DType::f32;  // of x and dx
    DType y = DType::f32;  // of y and dy
    DType weight = DType::none;
    DType bias = DType::none;
    DType residual = DType::none;  // of residual and residual_out; of d_residual
    Statistics statistics = Statistics::saved;
    HiddenClass hidden;
};

const char *to_string(DType type);
const char *to_string(Contract contract);
const char *to_string(Statistics statistics);
DType parse_dtype(const std::string &text);            // throws std::invalid_argument naming the text and what is known
Contract parse_contract(const std::string &text);      // likewise
Statistics parse_statistics(const std::string &text);  // likewise
HiddenClass parse_hidden(const std::string &text);     // "any", "64n", "any_to_1024", "768"; likewise

// "layer_norm_backward.x_bf16.w_f32.b_f32.r_bf16.y_bf16.s_recomputed.fp32_once.64n": parts that are absent, and saved
// statistics, are left out.
std::string name(const Variant &variant);
Variant parse_name(const std::string &text);  // throws std::invalid_argument naming the text

bool is_backward(const Variant &variant);

// Why there can be no kernel for it, in one line. Empty when it makes sense.
std::string refusal(const Variant &variant);

}  // namespace norma
