// SPDX-License-Identifier: MIT
// Names of variants and of hidden size classes, for programs: the runtime has no strings.
#pragma once

#include <string>

#include "legality.h"

namespace norma {

// "layer_norm_backward.x_bf16.w_f32.b_f32.r_bf16.y_bf16.s_recomputed.fp32_once.64n": parts that are absent, saved
// statistics and natural alignment are left out. "rms_norm_forward.x_bf16.y_i8.f_bf16.q_row.fp32_once.any" has a scale
// for each row, and y_float.
std::string name(const Variant &variant);
Variant parse_name(const std::string &text);  // throws std::invalid_argument naming the text

std::string hidden_name(const HiddenClass &hidden);
HiddenClass parse_hidden(const std::string &text);  // "any", "64n", "any_to_1024", "768"; likewise

// Likewise; the message names what is known.
int32_t parse_word(const Field &field, const std::string &text);

// is_legal() with its text: empty where the variant is legal.
std::string refusal(const Variant &variant);

}  // namespace norma
