// SPDX-License-Identifier: MIT
// What is wrong with the outputs of a call.
#include <algorithm>

#include "call.h"
#include "compare.h"

namespace norma::test {

reference::Values Call::original_row(int role, int64_t row) const {
    const norma_tensor &tensor = this->tensor(role);
    const char *begin = memory_[role].begin;
    const char *at = roles[role].kind == Role::vector ? static_cast<char *>(tensor.data) : row_data(role, row);
    return reference::load(tensor.dtype, memory_[role].before_run.data() + (at - begin), spec.elements(role));
}

// Everything but the elements of outputs must be as it was.
std::string Call::check_untouched(int role) const {
    const Memory &memory = memory_[role];
    const bool in_place = (role == role_x && spec.y_in_place) ||
                          (role == role_residual && spec.residual_out_in_place) ||
                          (role == role_d_residual && spec.dx_in_place);
    std::string expected = memory.before_run;
    if (spec.is_output(role) && roles[role].kind == Role::vector && memory.begin) {
        const std::string bytes = this->bytes(role);
        expected.replace(static_cast<size_t>(static_cast<char *>(tensor(role).data) - memory.begin), bytes.size(),
                         bytes);
    } else if (tensor(role).data && (spec.is_output(role) || in_place) && memory.begin) {
        for (int64_t row = 0; row < spec.rows(); row++) {
            const char *at = row_data(role, row);
            const bool elsewhere = at < memory.begin || at >= memory.begin + memory.bytes;  // an output in place
            if (!elsewhere) {
                const std::string bytes = row_bytes(role, row);
                expected.replace(static_cast<size_t>(at - memory.begin), bytes.size(), bytes);
            }
        }
    }
    for (size_t i = 0; i < memory.bytes; i++) {
        if (expected[i] != memory.begin[i]) {
            const int64_t byte = static_cast<int64_t>(i) - (static_cast<char *>(tensor(role).data) - memory.begin);
            return std::string(roles[role].name) + ": byte " + std::to_string(byte) + " from its data was overwritten";
        }
    }
    return "";
}

reference::Values Call::input_row(int64_t row) const {
    reference::Values x = original_row(role_x, row);
    auto scale = [](double &value, double by) { value = static_cast<double>(static_cast<float>(value * by)); };
    if (tensor(role_x_column_scale).dtype != NORMA_NONE) {
        const reference::Values scales = original_row(role_x_column_scale, row);
        for (size_t d = 0; d < x.size(); d++) {
            scale(x[d], scales[d]);
        }
    }
    if (tensor(role_x_scale).dtype != NORMA_NONE) {
        const double one = original_row(role_x_scale, row)[0];
        std::for_each(x.begin(), x.end(), [&](double &value) { scale(value, one); });
    }
    if (spec.kernel.residual != NORMA_NONE) {
        const reference::Values residual = original_row(role_residual, row);
        if (tensor(role_x_scale).dtype != NORMA_NONE) {  // of two fp32 numbers with all their bits, the sum is one too
            x = reference::add_residual(NORMA_F32, x, residual);
            x = reference::add_residual(spec.kernel.residual, x, reference::Values(x.size()));
        } else {
            x = reference::add_residual(spec.kernel.residual, x, residual);
        }
    }
    return x;
}

std::string Call::check_row(int64_t row, const reference::Options &options) const {
    const reference::Values x = input_row(row);
    if (spec.kernel.residual != NORMA_NONE) {
        const reference::Values got =
            reference::load(spec.kernel.residual, row_data(role_residual_out, row), spec.hidden);
        for (size_t d = 0; d < x.size(); d++) {
            if (!acceptable(NORMA_F32, got[d], x[d], 0)) {
                return mismatch_text("residual_out", row, {static_cast<int64_t>(d), got[d], x[d], 0});
            }
        }
    }
    const bool is_layer_norm = spec.is_layer_norm();
    const reference::Row expected = is_layer_norm ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
    const double of_long_sums = spec.kernel.contract == NORMA_RELAXED ? static_cast<double>(spec.hidden) : 0;
    const double ulps = ulps_allowed(spec.kind, spec.kernel.op) + of_long_sums;
    if (spec.kernel.scale != NORMA_SCALE_NONE) {
        const std::string problem = check_quantized(row, x, options, expected, ulps);
        if (!problem.empty()) {
            return problem;
        }
    }
    const int role = spec.kernel.scale == NORMA_SCALE_NONE ? role_y : role_y_float;
    if (const norma_dtype dtype = tensor(role).dtype; dtype != NORMA_NONE) {
        const RowJudge judge({spec.kernel.op, spec.kernel.x, dtype, spec.kernel.contract, ulps}, options, expected);
        if (auto mismatch = judge.first_mismatch(reference::load(dtype, row_data(role, row), spec.hidden))) {
            return mismatch_text(roles[role].name, row, *mismatch);
        }
    }
    if (!spec.save_statistics) {
        return "";
    }
    const double rstd = reference::load(NORMA_F32, row_data(role_rstd, row), 1)[0];
    const double rstd_error =
        std::max(ulps, spec.kind == RowKind::normal ? 3.0 : 8.0) * reference::ulp(NORMA_F32, expected.rstd);
    if (!acceptable(NORMA_F32, rstd, expected.rstd, rstd_error)) {
        return mismatch_text("rstd", row, {0, rstd, expected.rstd, rstd_error});
    }
    if (is_layer_norm) {
        double magnitude = 0;
        for (double value : x) {
            magnitude += std::fabs(value) / static_cast<double>(x.size());
        }
        const double mean = reference::load(NORMA_F32, row_data(role_mean, row), 1)[0];
        const double mean_error = ulps * reference::ulp(NORMA_F32, magnitude);
        if (!acceptable(NORMA_F32, mean, expected.mean, mean_error)) {
            return mismatch_text("mean", row, {0, mean, expected.mean, mean_error});
        }
    }
    return "";
}

std::string Call::check() const {
    for (int role = 0; role < role_count; role++) {
        const std::string problem = check_untouched(role);
        if (!problem.empty()) {
            return problem;
        }
    }
    return spec.partial() ? check_partial() : spec.backward() ? check_backward() : check_forward();
}

std::string Call::check_forward() const {
    if (spec.rows() == 0) {
        return "";
    }
    reference::Options options;
    options.eps = static_cast<double>(spec.eps);
    options.weight_offset = static_cast<double>(spec.weight_offset);
    options.round_normalized_to = spec.kernel.contract == NORMA_HF ? spec.kernel.x : NORMA_NONE;
    if (spec.kernel.weight != NORMA_NONE) {
        options.weight = original_row(role_weight, 0);
    }
    if (spec.kernel.bias != NORMA_NONE) {
        options.bias = original_row(role_bias, 0);
    }
    for (int64_t row = 0; row < spec.rows(); row++) {
        const std::string problem = check_row(row, options);
        if (!problem.empty()) {
            return problem;
        }
    }
    return "";
}

}  // namespace norma::test
