// SPDX-License-Identifier: MIT
// The list of ops: the only place that a new algorithm file is named.
#pragma once

#include <string>
#include <vector>

#include "row.h"
#include "runtime/vocabulary/variant.h"

namespace norma {

struct Op {
    std::string name;
    void (*algorithm)(Row &row, const Variant &variant);
};

const std::vector<Op> &ops();
const Op &find_op(const std::string &name);  // throws std::invalid_argument naming the known ops
std::vector<std::string> op_names();

void layer_norm_forward(Row &row, const Variant &variant);
void layer_norm_backward(Row &row, const Variant &variant);
void rms_norm_forward(Row &row, const Variant &variant);
void rms_norm_backward(Row &row, const Variant &variant);

}  // namespace norma
