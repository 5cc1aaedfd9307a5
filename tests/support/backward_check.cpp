// SPDX-License-Identifier: MIT
// What is wrong with the outputs of a backward call. The error allowed, before the one rounding to the output's type:
// - dx: as many ULP of fp32 as compare.h allows a forward, twice, at the magnitude of what its last subtractions join,
//   since they may cancel: rstd * (max|g| + mean|g| + max|n| * mean|g * n|);
// - dweight, dbias: (those ULP + sqrt(rows of a chunk)) * epsilon * the sum of the terms' magnitudes, whose roundings
//   are as random as the terms; half of the rows where they may all go the same way. A row whose n is centred with a
//   rounded mean counts as one of the magnitude of at least one standard deviation.
// Saved statistics are taken as they are given, so their own rounding is not the kernel's error.
#include "call.h"
#include "compare.h"
#include "runtime/kernel_host/integers.h"
#include "tools/reference/reference_backward.h"

namespace norma::test {
namespace {

struct ColumnSums {
    reference::Values sum, error;

    explicit ColumnSums(int64_t hidden) : sum(static_cast<size_t>(hidden)), error(sum) {}

    // In float64 and order of the rows: its own error is far below that of any fp32 sum.
    void add(size_t i, double term, double allowed) {
        sum[i] += term;
        error[i] += allowed;
    }
};

// Of the error of a sum in fp32: a chunk's on CPUs, a strip's on CUDA, of which there is one for each eight of few
// rows.
double rows_part_of(const CallSpec &spec) {
    const bool on_cpu = spec.kernel.device == NORMA_CPU;
    if (spec.dy_kind == RowKind::normal) {
        return std::sqrt(static_cast<double>(std::min<int64_t>(spec.rows(), on_cpu ? 64 : 128)));
    }
    const int64_t most = on_cpu ? 64 : spec.rows() > 1024 ? 255 : divide_up(spec.rows(), larger(spec.rows() / 8, 1));
    return static_cast<double>(std::min(spec.rows(), most)) / 2;
}

}  // namespace

std::string Call::check_backward() const {
    const norma_kernel_info &kernel = spec.kernel;
    const bool saved = !(kernel.flags & NORMA_RECOMPUTE_STATISTICS);
    reference::Backward options;
    options.centred = spec.is_layer_norm();
    options.weight_offset = static_cast<double>(spec.weight_offset);
    options.round_to_x = kernel.contract == NORMA_HF && kernel.x != NORMA_F32 ? kernel.x : NORMA_NONE;
    if (kernel.weight != NORMA_NONE) {
        options.weight = original_row(role_weight, 0);
    }
    reference::Options forward;
    forward.eps = static_cast<double>(spec.eps);
    // n from given statistics is one subtraction and one product; from recomputed ones what a forward computes.
    const double ulps = saved ? 4 : ulps_allowed(spec.kind, kernel.op);
    const double rows_part = rows_part_of(spec);

    ColumnSums dweight(spec.hidden), dbias(spec.hidden);
    for (int64_t row = 0; row < spec.rows(); row++) {
        const reference::Values x = original_row(role_x, row), dy = original_row(role_dy, row);
        reference::Row statistics =
            options.centred ? reference::layer_norm(x, forward) : reference::rms_norm(x, forward);
        if (saved) {
            statistics.rstd = original_row(role_rstd, row)[0];
            statistics.mean = options.centred ? original_row(role_mean, row)[0] : 0;
        }
        const reference::RowGradients expected = reference::backward(x, dy, statistics.mean, statistics.rstd, options);
        const reference::Values got = reference::load(kernel.x, row_data(role_dx, row), spec.hidden);
        const reference::Values d_residual =
            kernel.residual == NORMA_NONE ? reference::Values(x.size()) : original_row(role_d_residual, row);
        const double quantum =
            0x1p-148 * (1 + finite_magnitude(statistics.rstd)) * (1 + finite_magnitude(statistics.rstd));
        for (size_t i = 0; i < x.size(); i++) {
            const double dx = expected.dx[i] + d_residual[i];
            const double tolerance =
                2 * ulps * 0x1p-23 * (finite_magnitude(expected.scale) + std::fabs(d_residual[i])) + quantum;
            if (!acceptable(kernel.x, got[i], dx, tolerance)) {
                return mismatch_text("dx", row, {static_cast<int64_t>(i), got[i], dx, tolerance});
            }
            const double deviation = options.centred && !saved ? std::fabs(dy[i]) : 0;
            const double size = std::max(finite_magnitude(expected.dweight[i]), deviation);
            dweight.add(i, expected.dweight[i], (ulps + rows_part) * 0x1p-23 * size + expected.uncertain[i] + quantum);
            dbias.add(i, expected.dbias[i], (1 + rows_part) * 0x1p-23 * std::fabs(dy[i]));
        }
    }
    const struct {
        int role;
        const ColumnSums &columns;
    } gradients[] = {{role_dweight, dweight}, {role_dbias, dbias}};
    for (const auto &[role, columns] : gradients) {
        const norma_dtype dtype = tensor(role).dtype;
        if (dtype == NORMA_NONE) {
            continue;
        }
        const reference::Values got = reference::load(dtype, tensor(role).data, spec.hidden);
        const reference::Values before = spec.accumulate ? original_row(role, 0) : reference::Values(got.size());
        for (size_t i = 0; i < got.size(); i++) {
            const double expected = before[i] + columns.sum[i];
            if (!acceptable(dtype, got[i], expected, columns.error[i])) {
                return mismatch_text(roles[role].name, -1,
                                     {static_cast<int64_t>(i), got[i], expected, columns.error[i]});
            }
        }
    }
    return "";
}

}  // namespace norma::test
