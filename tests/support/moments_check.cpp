// SPDX-License-Identifier: MIT
// Calls of slices of rows, where a slice is the row: what a partial one should find, and what a merged one is given.
#include "call.h"
#include "compare.h"
#include "tools/reference/reference_backward.h"

namespace norma::test {

// The first and the second; the first is layer_norm's alone.
std::vector<Call::Moment> Call::moments_of(int64_t row) const {
    const reference::Values x = spec.backward() ? original_row(role_x, row) : input_row(row);
    const double hidden = static_cast<double>(x.size());
    double mean = 0, magnitude = 0, square = 0;
    if (!spec.backward()) {
        // Around an element, so that the mean of a constant row is exact.
        const double around = spec.is_layer_norm() ? std::copysign(finite_magnitude(x[0]), x[0]) : 0;
        for (double value : x) {
            mean += spec.is_layer_norm() ? (value - around) / hidden : 0;
            magnitude += std::fabs(value) / hidden;
        }
        mean += around;
        for (double value : x) {
            square += (value - mean) * (value - mean) / hidden;
        }
        return {{mean, magnitude, 0x1p-149}, {square, square, 0x1p-149}};
    }
    reference::Backward options;
    options.weight_offset = static_cast<double>(spec.weight_offset);
    options.round_to_x = spec.kernel.contract == NORMA_HF && spec.kernel.x != NORMA_F32 ? spec.kernel.x : NORMA_NONE;
    if (spec.kernel.weight != NORMA_NONE) {
        options.weight = original_row(role_weight, 0);
    }
    const double center = spec.is_layer_norm() ? original_row(role_mean, row)[0] : 0;
    const double rstd = original_row(role_rstd, row)[0];
    const reference::Values dy = original_row(role_dy, row);
    // Among denormal numbers products round to multiples of the smallest.
    Moment of_g = {0, 0, 0x1p-148}, of_gn = {0, 0, 0x1p-148};
    for (size_t i = 0; i < x.size(); i++) {
        const double g = reference::scaled(options, dy[i], i), gn = g * ((x[i] - center) * rstd);
        of_g.value += g / hidden;
        of_g.magnitude += std::fabs(g) / hidden;
        of_gn.value += gn / hidden;
        of_gn.magnitude += std::fabs(gn) / hidden;
        of_gn.quantum = std::max(of_gn.quantum, 0x1p-148 * (1 + finite_magnitude(rstd)) * (1 + std::fabs(g)));
    }
    return {of_g, of_gn};
}

void Call::fill_moments() {
    for (const int role : {role_first_moment, role_second_moment}) {
        for (int64_t row = 0; tensor(role).dtype != NORMA_NONE && row < spec.rows(); row++) {
            const double value = moments_of(row)[role == role_second_moment].value;
            std::memcpy(row_data(role, row), &value, sizeof value);
        }
        memory_[role].before_run.assign(memory_[role].begin, memory_[role].bytes);
    }
}

// Sums of fp32 terms, each of which has some roundings, finished in float64: as close as compare.h allows rstd, of
// which a mean square has twice the relative error.
std::string Call::check_partial() const {
    const double ulps = 2 * std::max(ulps_allowed(spec.kind, spec.kernel.op), spec.backward() ? 4.0 : 3.0);
    for (int64_t row = 0; row < spec.rows(); row++) {
        const std::vector<Moment> expected = moments_of(row);
        for (const int role : {role_first_moment, role_second_moment}) {
            if (tensor(role).dtype == NORMA_NONE) {
                continue;
            }
            const Moment &moment = expected[role == role_second_moment];
            const double got = reference::load(NORMA_F64, row_data(role, row), 1)[0];
            const double tolerance = ulps * 0x1p-23 * finite_magnitude(moment.magnitude) + moment.quantum;
            const bool good =
                std::isfinite(moment.value) ? std::fabs(got - moment.value) <= tolerance : !std::isfinite(got);
            if (!good) {
                return mismatch_text(roles[role].name, row, {0, got, moment.value, tolerance});
            }
        }
    }
    return "";
}

}  // namespace norma::test
