// SPDX-License-Identifier: MIT
// What a kernel is called with: the tensors of norma_arguments, and the scalars of the dispatcher.
#pragma once

#include "variant.h"

namespace norma {

// The names of kernels' arguments. Tensors come as halide_buffer_t *, scalars by address. A row of `roles` each.
enum class Role : uint8_t {
    x,
    weight,
    bias,
    residual,
    y,
    residual_out,
    mean,  // where the caller does not want statistics, the row stride is 0: CUDA kernels then leave them out
    rstd,  // likewise
    dy,
    d_residual,
    dx,
    dweight,  // a strip's fp32 sums, added to: [rows, hidden] with a row stride of 0; CUDA: [strips, hidden]
    dbias,    // likewise
    x_scale,  // [rows]; a row stride of 0 where one number is for all
    y_scale,  // likewise; or [rows, groups]
    y_float,
    x_column_scale,
    first_moment,  // [rows]
    second_moment,
    user_context,   // void **: the address of a CallContext *
    eps,            // float
    weight_offset,  // float
    y_zero_point,   // float
    store_mode,     // int32_t, see StoreMode
    strips,         // int32_t, of CUDA: row r of a run belongs to strip r % strips
    first_strip,    // int32_t: that of this call's first row
    continued,      // int32_t: whether the strips' sums are added to; else they are not read, and rows >= strips
};

enum class TensorKind : uint8_t {
    activation,  // [..., hidden]
    vector,      // [hidden]
    statistic,   // [...]
    groups,      // [..., hidden / group size]
};

struct TensorRole {
    Role role;
    const char *name;
    size_t offset;  // in norma_arguments
    // Of a variant: the shape; the type, NORMA_NONE where there is no such tensor; and whether it is written. A forward
    // that does not save its statistics has mean and rstd all the same: a kernel always writes them.
    TensorKind (*kind)(const Variant &variant);
    norma_dtype (*dtype)(const Variant &variant);
    bool (*output)(const Variant &variant);
    bool column_sum;  // a gradient of a parameter: a kernel writes the fp32 sums of one strip in its place
};

namespace tensors_detail {

template <TensorKind kind>
constexpr TensorKind always(const Variant &) {
    return kind;
}
constexpr TensorKind of_y_scale(const Variant &v) {
    return group_size(v.scale) != 0 ? TensorKind::groups : TensorKind::statistic;
}

template <norma_dtype Variant::*type>
constexpr norma_dtype both(const Variant &v) {
    return v.*type;
}
template <norma_dtype Variant::*type>
constexpr norma_dtype forward(const Variant &v) {
    return is_backward(v) ? NORMA_NONE : v.*type;
}
template <norma_dtype Variant::*type>
constexpr norma_dtype backward(const Variant &v) {
    return is_backward(v) ? v.*type : NORMA_NONE;
}
template <norma_dtype (*dtype)(const Variant &)>
constexpr norma_dtype unless_partial(const Variant &v) {
    return is_partial(v) ? NORMA_NONE : dtype(v);
}
constexpr norma_dtype f32_if(bool present) { return present ? NORMA_F32 : NORMA_NONE; }
constexpr norma_dtype of_rstd(const Variant &v) {
    return f32_if(is_backward(v) ? v.statistics != Statistics::recomputed : !is_partial(v));
}
constexpr norma_dtype of_mean(const Variant &v) { return info_of(v.op).has_mean ? of_rstd(v) : NORMA_NONE; }
constexpr norma_dtype of_second_moment(const Variant &v) {
    return is_partial(v) || is_merged(v) ? NORMA_F64 : NORMA_NONE;
}
constexpr norma_dtype of_first_moment(const Variant &v) {
    return info_of(v.op).has_mean ? of_second_moment(v) : NORMA_NONE;
}
constexpr norma_dtype scale_of_x(const Variant &v) { return f32_if(is_quantized(v.x)); }
constexpr norma_dtype scale_of_y(const Variant &v) { return f32_if(v.scale != NORMA_SCALE_NONE); }
constexpr norma_dtype column_scale(const Variant &v) { return f32_if(v.x == NORMA_I32); }

constexpr bool input(const Variant &) { return false; }
constexpr bool output(const Variant &) { return true; }
constexpr bool output_of_forward(const Variant &v) { return !is_backward(v); }
constexpr bool found(const Variant &v) { return v.scale != NORMA_SCALE_TENSOR; }

inline constexpr TensorKind (*activation)(const Variant &) = always<TensorKind::activation>;
inline constexpr TensorKind (*vector)(const Variant &) = always<TensorKind::vector>;
inline constexpr TensorKind (*statistic)(const Variant &) = always<TensorKind::statistic>;

}  // namespace tensors_detail

// In the order of Role.
inline constexpr TensorRole tensor_roles[] = {
    {Role::x, "x", offsetof(norma_arguments, x), tensors_detail::activation, tensors_detail::both<&Variant::x>,
     tensors_detail::input, false},
    {Role::weight, "weight", offsetof(norma_arguments, weight), tensors_detail::vector,
     tensors_detail::both<&Variant::weight>, tensors_detail::input, false},
    {Role::bias, "bias", offsetof(norma_arguments, bias), tensors_detail::vector,
     tensors_detail::forward<&Variant::bias>, tensors_detail::input, false},
    {Role::residual, "residual", offsetof(norma_arguments, residual), tensors_detail::activation,
     tensors_detail::forward<&Variant::residual>, tensors_detail::input, false},
    {Role::y, "y", offsetof(norma_arguments, y), tensors_detail::activation,
     tensors_detail::unless_partial<tensors_detail::forward<&Variant::y>>, tensors_detail::output, false},
    {Role::residual_out, "residual_out", offsetof(norma_arguments, residual_out), tensors_detail::activation,
     tensors_detail::unless_partial<tensors_detail::forward<&Variant::residual>>, tensors_detail::output, false},
    {Role::mean, "mean", offsetof(norma_arguments, mean), tensors_detail::statistic, tensors_detail::of_mean,
     tensors_detail::output_of_forward, false},
    {Role::rstd, "rstd", offsetof(norma_arguments, rstd), tensors_detail::statistic, tensors_detail::of_rstd,
     tensors_detail::output_of_forward, false},
    {Role::dy, "dy", offsetof(norma_arguments, dy), tensors_detail::activation, tensors_detail::backward<&Variant::y>,
     tensors_detail::input, false},
    {Role::d_residual, "d_residual", offsetof(norma_arguments, d_residual), tensors_detail::activation,
     tensors_detail::backward<&Variant::residual>, tensors_detail::input, false},
    {Role::dx, "dx", offsetof(norma_arguments, dx), tensors_detail::activation,
     tensors_detail::unless_partial<tensors_detail::backward<&Variant::x>>, tensors_detail::output, false},
    {Role::dweight, "dweight", offsetof(norma_arguments, dweight), tensors_detail::vector,
     tensors_detail::unless_partial<tensors_detail::backward<&Variant::weight>>, tensors_detail::output, true},
    {Role::dbias, "dbias", offsetof(norma_arguments, dbias), tensors_detail::vector,
     tensors_detail::backward<&Variant::bias>, tensors_detail::output, true},
    {Role::x_scale, "x_scale", offsetof(norma_arguments, x_scale), tensors_detail::statistic,
     tensors_detail::scale_of_x, tensors_detail::input, false},
    {Role::y_scale, "y_scale", offsetof(norma_arguments, y_scale), tensors_detail::of_y_scale,
     tensors_detail::scale_of_y, tensors_detail::found, false},
    {Role::y_float, "y_float", offsetof(norma_arguments, y_float), tensors_detail::activation,
     tensors_detail::both<&Variant::y_float>, tensors_detail::output, false},
    {Role::x_column_scale, "x_column_scale", offsetof(norma_arguments, x_column_scale), tensors_detail::vector,
     tensors_detail::column_scale, tensors_detail::input, false},
    {Role::first_moment, "first_moment", offsetof(norma_arguments, first_moment), tensors_detail::statistic,
     tensors_detail::of_first_moment, is_partial, false},
    {Role::second_moment, "second_moment", offsetof(norma_arguments, second_moment), tensors_detail::statistic,
     tensors_detail::of_second_moment, is_partial, false},
};

// Those that are no tensors, in the order of Role behind them.
inline constexpr const char *scalar_roles[] = {"user_context", "eps",    "weight_offset", "y_zero_point",
                                               "store_mode",   "strips", "first_strip",   "continued"};

inline constexpr int tensor_role_count = sizeof tensor_roles / sizeof tensor_roles[0];
inline constexpr int role_count = tensor_role_count + sizeof scalar_roles / sizeof scalar_roles[0];

constexpr bool is_tensor(Role role) { return static_cast<int>(role) < tensor_role_count; }
constexpr int tensor_index(Role role) { return static_cast<int>(role); }
constexpr bool is_column_sum(int index) { return tensor_roles[index].column_sum; }
constexpr const char *role_name(int role) {
    return role < tensor_role_count ? tensor_roles[role].name : scalar_roles[role - tensor_role_count];
}

// -1 for a text that is no role.
inline int find_role(const char *name) {
    for (int role = 0; role < role_count; role++) {
        if (strcmp(role_name(role), name) == 0) {
            return role;
        }
    }
    return -1;
}

namespace tensors_detail {

// A small table of its own: each run looks every tensor up.
struct Offsets {
    uint16_t at[tensor_role_count] = {};

    constexpr Offsets() {
        for (int i = 0; i < tensor_role_count; i++) {
            at[i] = static_cast<uint16_t>(tensor_roles[i].offset);
        }
    }
};
inline constexpr Offsets offsets;

}  // namespace tensors_detail

// By tensor_index.
inline norma_tensor &tensor_of(norma_arguments &arguments, int index) {
    return *reinterpret_cast<norma_tensor *>(reinterpret_cast<char *>(&arguments) + tensors_detail::offsets.at[index]);
}

inline const norma_tensor &tensor_of(const norma_arguments &arguments, int index) {
    return *reinterpret_cast<const norma_tensor *>(reinterpret_cast<const char *>(&arguments) +
                                                   tensors_detail::offsets.at[index]);
}

namespace tensors_detail {

constexpr bool in_order() {
    for (int i = 0; i < tensor_role_count; i++) {
        if (tensor_index(tensor_roles[i].role) != i) {
            return false;
        }
    }
    return static_cast<int>(Role::continued) == role_count - 1;
}
static_assert(in_order(), "tensor_roles is indexed by Role");
static_assert(NORMA_TENSOR_X == 1 && NORMA_TENSOR_SECOND_MOMENT == tensor_role_count,
              "norma_tensor_role is the order of Role, from 1");

}  // namespace tensors_detail

}  // namespace norma
