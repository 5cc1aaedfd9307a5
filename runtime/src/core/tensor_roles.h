// SPDX-License-Identifier: MIT
// The tensors of a call, in the order of Role: where norma_arguments holds each, and what is expected of it.
#pragma once

#include "registry.h"

namespace norma {

enum class TensorKind : uint8_t {
    activation,  // [..., hidden]
    vector,      // [hidden]
    statistic,   // [...]
    groups,      // [..., hidden / group size]
};

struct TensorRole {
    const char *name;
    size_t offset;    // in norma_arguments
    TensorKind kind;  // but y_scale may have groups: see norma_plan::kinds
    bool output;      // of an op that has it; see norma_plan::outputs
};

inline constexpr TensorRole tensor_roles[] = {
    {"x", offsetof(norma_arguments, x), TensorKind::activation, false},
    {"weight", offsetof(norma_arguments, weight), TensorKind::vector, false},
    {"bias", offsetof(norma_arguments, bias), TensorKind::vector, false},
    {"residual", offsetof(norma_arguments, residual), TensorKind::activation, false},
    {"y", offsetof(norma_arguments, y), TensorKind::activation, true},
    {"residual_out", offsetof(norma_arguments, residual_out), TensorKind::activation, true},
    {"mean", offsetof(norma_arguments, mean), TensorKind::statistic, true},
    {"rstd", offsetof(norma_arguments, rstd), TensorKind::statistic, true},
    {"dy", offsetof(norma_arguments, dy), TensorKind::activation, false},
    {"d_residual", offsetof(norma_arguments, d_residual), TensorKind::activation, false},
    {"dx", offsetof(norma_arguments, dx), TensorKind::activation, true},
    {"dweight", offsetof(norma_arguments, dweight), TensorKind::vector, true},
    {"dbias", offsetof(norma_arguments, dbias), TensorKind::vector, true},
    {"x_scale", offsetof(norma_arguments, x_scale), TensorKind::statistic, false},
    {"y_scale", offsetof(norma_arguments, y_scale), TensorKind::statistic, true},
    {"y_float", offsetof(norma_arguments, y_float), TensorKind::activation, true},
    {"x_column_scale", offsetof(norma_arguments, x_column_scale), TensorKind::vector, false},
};

inline constexpr int tensor_role_count = 17;

constexpr bool is_tensor(Role role) { return role >= Role::x && role <= Role::x_column_scale; }
constexpr int tensor_index(Role role) { return static_cast<int>(role) - static_cast<int>(Role::x); }

// The gradients of parameters: a kernel is given a strip's sums in their place.
constexpr bool is_column_sum(int index) {
    return index == tensor_index(Role::dweight) || index == tensor_index(Role::dbias);
}

inline const norma_tensor &tensor_of(const norma_arguments &arguments, int index) {
    return *reinterpret_cast<const norma_tensor *>(reinterpret_cast<const char *>(&arguments) +
                                                   tensor_roles[index].offset);
}

}  // namespace norma
