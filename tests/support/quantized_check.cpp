// SPDX-License-Identifier: MIT
// What is wrong with a row of a quantized y. The scale: within the error of the largest |y|. y: what some value within
// that error of y / y_scale rounds to, so the exact payload except where float64 lies that close to a tie.
#include <algorithm>

#include "call.h"
#include "compare.h"

namespace norma::test {
namespace {

// What can be stored. u8 is taken without its zero point.
struct Range {
    norma_dtype dtype;
    double least, most;

    double saturated(double value) const { return reference::round_to(dtype, std::max(least, std::min(most, value))); }
};

}  // namespace

std::string Call::check_quantized(int64_t row, const reference::Values &x, const reference::Options &options,
                                  const reference::Row &expected, double ulps) const {
    const norma_dtype dtype = spec.kernel.y;
    const double most = reference::format(dtype).largest;
    const double zero = arguments.y_zero_point;
    const Range range = dtype == NORMA_U8 ? Range{dtype, -zero, most - zero} : Range{dtype, -most, most};
    const bool integer = dtype == NORMA_I8 || dtype == NORMA_U8;
    const RowJudge judge({spec.kernel.op, spec.kernel.x, NORMA_F32, NORMA_FP32_ONCE, ulps}, options, expected);
    const bool given = spec.kernel.scale == NORMA_SCALE_TENSOR;
    const reference::Values scales =
        given ? original_row(role_y_scale, row)
              : reference::load(NORMA_F32, row_data(role_y_scale, row), spec.elements(role_y_scale));
    reference::Values got = reference::load(dtype, row_data(role_y, row), spec.hidden);
    std::for_each(got.begin(), got.end(), [&](double &steps) { steps -= zero; });
    const size_t per_scale = x.size() / scales.size();
    for (size_t g = 0; g < scales.size(); g++) {
        double largest = 0, error = 0;
        bool finite = true;
        for (size_t i = g * per_scale; i < (g + 1) * per_scale; i++) {
            finite &= std::isfinite(expected.y[i]);
            largest = std::max(largest, finite_magnitude(expected.y[i]));
            error = std::max(error, judge.tolerance(i));
        }
        const double scale = scales[g];
        const bool lost = largest < 0x1p-99;  // counts as zero, or may
        if (!given &&
            (finite != std::isfinite(scale) ||
             (finite && !(lost && scale == 0) && std::fabs(scale - largest / most) > error / most + 0x1p-22 * scale))) {
            return mismatch_text("y_scale", row,
                                 {static_cast<int64_t>(g), scale, finite ? largest / most : NAN, error / most});
        }
        for (size_t i = g * per_scale; i < (g + 1) * per_scale; i++) {
            const bool no_scale = !given && (!finite || scale == 0);
            const double y = expected.y[i];
            if (std::isnan(y) || (no_scale && std::isinf(y))) {
                const bool good = integer ? got[i] == -zero : std::isnan(got[i]);  // a payload of 0
                if (!good) {
                    return mismatch_text("y", row, {static_cast<int64_t>(i), got[i], integer ? -zero : NAN, 0});
                }
                continue;
            }
            const double value = no_scale ? 0 : y / scale;
            const double off = no_scale ? 0 : judge.tolerance(i) / scale + 0x1p-21 * finite_magnitude(value);
            if (!(got[i] >= range.saturated(value - off) && got[i] <= range.saturated(value + off))) {
                return mismatch_text("y", row, {static_cast<int64_t>(i), got[i], value, off});
            }
        }
    }
    return "";
}

}  // namespace norma::test
