// SPDX-License-Identifier: MIT
// A variant: what a kernel computes, as the manifest says it. Nothing about how.
#pragma once

#include <string>

namespace norma {

// i32 is for x alone: the sums of an int8 matmul. u8, with a zero point, is for y alone.
enum class DType { none, f32, f16, bf16, i8, f8_e4m3, f8_e5m2, u8, i32 };

// What the elements of a quantized y are multiples of: one number for the tensor, given; or one for each row or group
// of consecutive elements, found from their largest magnitude.
enum class Scale { none, tensor, row, group_32, group_64, group_128 };

enum class Contract { fp32_once, hf };

// What data and row strides are multiples of: as much as a kernel takes at once; or elements alone, for the same bits.
enum class Alignment { natural, any };

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
    DType x = DType::f32;         // of x and dx
    DType y = DType::f32;         // of y and dy
    DType y_float = DType::none;  // of a second y, which is not quantized
    DType weight = DType::none;
    DType bias = DType::none;
    DType residual = DType::none;  // of residual and residual_out; of d_residual
    Statistics statistics = Statistics::saved;
    Scale scale = Scale::none;
    Alignment alignment = Alignment::natural;
    HiddenClass hidden;
};

const char *to_string(DType type);
const char *to_string(Contract contract);
const char *to_string(Statistics statistics);
const char *to_string(Scale scale);
const char *to_string(Alignment alignment);
DType parse_dtype(const std::string &text);            // throws std::invalid_argument naming the text and what is known
Contract parse_contract(const std::string &text);      // likewise
Scale parse_scale(const std::string &text);            // likewise
Statistics parse_statistics(const std::string &text);  // likewise
Alignment parse_alignment(const std::string &text);    // likewise
std::string hidden_name(const HiddenClass &hidden);
HiddenClass parse_hidden(const std::string &text);  // "any", "64n", "any_to_1024", "768"; likewise

// "layer_norm_backward.x_bf16.w_f32.b_f32.r_bf16.y_bf16.s_recomputed.fp32_once.64n": parts that are absent, saved
// statistics and natural alignment are left out. "rms_norm_forward.x_bf16.y_i8.f_bf16.q_row.fp32_once.any" has a scale
// for each row, and y_float.
std::string name(const Variant &variant);
Variant parse_name(const std::string &text);  // throws std::invalid_argument naming the text

bool is_backward(const Variant &variant);
bool is_quantized(DType type);             // elements are multiples of a scale
int group_size(Scale scale);               // 0 where there are no groups
HiddenClass runs(const Variant &variant);  // its hidden class, of which only whole groups are left

// Why there can be no kernel for it, in one line. Empty when it makes sense.
std::string refusal(const Variant &variant);

}  // namespace norma
