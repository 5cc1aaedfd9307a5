// SPDX-License-Identifier: MIT
// The tensors of a call, in the order of Role: where norma_arguments holds each, and what is expected of it.
#pragma once

#include "registry.h"

namespace norma {

enum class TensorKind : uint8_t {
    activation,  // [..., hidden]
    vector,      // [hidden]
    statistic,   // [...]
};

struct TensorRole {
    const char *name;
    size_t offset;  // in norma_arguments
    TensorKind kind;
    bool output;
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
};

inline constexpr int tensor_role_count = 8;

constexpr bool is_tensor(Role role) { return role >= Role::x && role <= Role::rstd; }
constexpr int tensor_index(Role role) { return static_cast<int>(role) - static_cast<int>(Role::x); }

inline const norma_tensor &tensor_of(const norma_arguments &arguments, int index) {
    return *reinterpret_cast<const norma_tensor *>(reinterpret_cast<const char *>(&arguments) +
                                                   tensor_roles[index].offset);
}

}  // namespace norma
