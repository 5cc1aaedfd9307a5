// SPDX-License-Identifier: MIT
// One call of one kernel, on tensors between guard pages: padding of inputs holds NaN, outputs a pattern that must
// survive where no element belongs.
#pragma once

#include <string>
#include <vector>

#include "kernels.h"
#include "rows.h"
#include "tools/reference/reference.h"

namespace norma::test {

struct Role {
    const char *name;
    norma_tensor norma_arguments::*tensor;
    enum Kind { activation, vector, statistic, groups, number } kind;  // but see CallSpec::role_kind
    bool output;                                                       // but see CallSpec::is_output
};

inline constexpr Role roles[] = {
    {"x", &norma_arguments::x, Role::activation, false},
    {"weight", &norma_arguments::weight, Role::vector, false},
    {"bias", &norma_arguments::bias, Role::vector, false},
    {"residual", &norma_arguments::residual, Role::activation, false},
    {"y", &norma_arguments::y, Role::activation, true},
    {"residual_out", &norma_arguments::residual_out, Role::activation, true},
    {"mean", &norma_arguments::mean, Role::statistic, true},
    {"rstd", &norma_arguments::rstd, Role::statistic, true},
    {"dy", &norma_arguments::dy, Role::activation, false},
    {"d_residual", &norma_arguments::d_residual, Role::activation, false},
    {"dx", &norma_arguments::dx, Role::activation, true},
    {"dweight", &norma_arguments::dweight, Role::vector, true},
    {"dbias", &norma_arguments::dbias, Role::vector, true},
    {"x_scale", &norma_arguments::x_scale, Role::statistic, false},
    {"y_scale", &norma_arguments::y_scale, Role::statistic, true},
    {"y_float", &norma_arguments::y_float, Role::activation, true},
    {"x_column_scale", &norma_arguments::x_column_scale, Role::vector, false},
    {"first_moment", &norma_arguments::first_moment, Role::statistic, true},
    {"second_moment", &norma_arguments::second_moment, Role::statistic, true},
};
enum RoleIndex {
    role_x,
    role_weight,
    role_bias,
    role_residual,
    role_y,
    role_residual_out,
    role_mean,
    role_rstd,
    role_dy,
    role_d_residual,
    role_dx,
    role_dweight,
    role_dbias,
    role_x_scale,
    role_y_scale,
    role_y_float,
    role_x_column_scale,
    role_first_moment,
    role_second_moment,
    role_count
};

// The order is the same.
inline norma_tensor_role tensor_role(int role) { return static_cast<norma_tensor_role>(NORMA_TENSOR_X + role); }

struct CallSpec {
    norma_kernel_info kernel = {};  // forced, with its target
    int64_t hidden = 64;
    std::vector<int64_t> outer = {3};  // the dimensions before hidden
    std::vector<int64_t> row_ids;      // which rows; empty: 0, 1, 2...

    int64_t row_padding = 0;    // elements between rows
    int64_t outer_padding = 0;  // and between the groups of rows of the outer dimensions
    int64_t offset = -1;        // elements from the front guard page to each tensor;
                                // negative: tensors end at the rear one
    bool y_in_place = false, residual_out_in_place = false, dx_in_place = false;

    RowKind kind = RowKind::normal;
    RowKind dy_kind = RowKind::normal;
    float eps = 1e-5F;
    float weight_offset = 0;
    bool save_statistics = true;  // of a forward
    bool f32_gradients = false;   // of a backward
    bool accumulate = false;      // likewise
    bool one_x_scale = false;     // for all rows
    int32_t zero_point = 131;     // of y in u8
    norma_store store = NORMA_STORE_ORDINARY;
    int32_t threads = 1;

    int64_t rows() const;
    bool backward() const;
    bool is_layer_norm() const;
    bool partial() const;  // has none of the options of other calls
    bool merged() const;   // of slices that are whole rows
    bool is_output(int role) const;
    Role::Kind role_kind(int role) const;
    int64_t group() const;             // elements of a group of y; 0 without
    int64_t elements(int role) const;  // of one row of a tensor, or of all of one without rows
    std::string text() const;
};

// Whether the call has a result: where a row's scale is found from the largest |x * weight|, that must be finite.
bool has_result(const CallSpec &spec);

norma_plan_desc describe(const CallSpec &spec);

class Call {
public:
    explicit Call(const CallSpec &spec);

    // A new plan, and one run of it. Both must succeed: the message of a failure is thrown as std::runtime_error.
    void run();
    void run(const norma_plan *plan);

    // In guarded memory.
    void give_workspace(size_t bytes);

    // An input's elements from another call's tensor of the same type and shape.
    void take(int role, const Call &other, int other_role);

    // Inputs and outputs as they were before the first run.
    void restore();

    // Nothing was written since.
    bool untouched() const;

    // What is wrong with the outputs, in one line; empty when nothing is. Inputs and padding count.
    std::string check() const;

    // The bytes of the elements of one row of a tensor; empty when it is absent, or has no rows.
    std::string row_bytes(int role, int64_t row) const;
    // Of all elements.
    std::string bytes(int role) const;

    const norma_tensor &tensor(int role) const { return arguments.*roles[role].tensor; }

    CallSpec spec;
    norma_plan_desc desc;
    norma_arguments arguments = {};
    norma_execution execution = {};

private:
    // Of a row, in float64: the mean of some terms, that of their magnitudes, and what rounds away whatever these are.
    struct Moment {
        double value, magnitude, quantum;
    };

    struct Memory {
        char *begin = nullptr;  // with some padding around the elements where the
                                // guard page is not
        size_t bytes = 0;
        std::string before_run;
    };

    void place(int role);
    void fill(int role);
    char *row_data(int role, int64_t row) const;
    std::string check_untouched(int role) const;
    std::string check_forward() const;
    std::string check_backward() const;
    std::string check_partial() const;
    reference::Values input_row(int64_t row) const;  // that is normalized: with scale and residual
    std::vector<Moment> moments_of(int64_t row) const;
    std::string check_quantized(int64_t row, const reference::Values &x, const reference::Options &options,
                                const reference::Row &expected, double ulps) const;
    std::string check_row(int64_t row, const reference::Options &options) const;
    void fill_statistics(int role);
    void fill_moments();
    void fill_scale(int role);
    reference::Values original_row(int role, int64_t row) const;

    Memory memory_[role_count];
};

}  // namespace norma::test
