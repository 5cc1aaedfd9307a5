// SPDX-License-Identifier: MIT
// The hand-written backwards and quantized forwards that kernels are compared with are right, on every instruction set
// of this machine. Their sums are in one vector for each chain, so they are allowed twice the error of kernels.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "bench/memory.h"
#include "bench/yardstick.h"
#include "runtime/vocabulary/dtypes.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tools/reference/reference_backward.h"

using namespace norma::bench;
namespace reference = norma::reference;
using norma::test::acceptable;

namespace {

constexpr Store stores[] = {Store::ordinary, Store::streaming};

char *row_of(const Memory &memory, norma_dtype dtype, int64_t hidden, int64_t row) {
    return static_cast<char *>(memory.data()) + row * hidden * norma::dtype_size(dtype);
}

struct BackwardData {
    BackwardData(norma_op which, norma_dtype type, int64_t row_count, int64_t row_length)
        : op(which), dtype(type), rows(row_count), hidden(row_length), dx(bytes(rows)) {
        for (int64_t row = 0; row < rows; row++) {
            const reference::Values values = reference::load(dtype, row_of(x, dtype, hidden, row), hidden);
            reference::Options options;
            options.eps = 1e-5;
            const reference::Row statistics =
                is_layer_norm() ? reference::layer_norm(values, options) : reference::rms_norm(values, options);
            mean.push_back(is_layer_norm() ? static_cast<float>(statistics.mean) : 0);
            rstd.push_back(static_cast<float>(statistics.rstd));
        }
    }

    bool is_layer_norm() const { return op == NORMA_LAYER_NORM_BACKWARD; }
    size_t bytes(int64_t count) const { return static_cast<size_t>(count * hidden * norma::dtype_size(dtype)); }
    Backward backward() const {
        return {op, dtype, x.data(), dy.data(), weight.data(), mean.data(), rstd.data(), dx.data(), hidden};
    }

    // "" for nothing wrong.
    std::string check(const BackwardYardstick &got) const {
        reference::Backward options;
        options.centred = is_layer_norm();
        options.weight = reference::load(dtype, weight.data(), hidden);
        const auto size = static_cast<size_t>(hidden);
        std::vector<double> dweight(size), dbias(size), of_weight(size), of_bias(size);
        for (int64_t row = 0; row < rows; row++) {
            const auto r = static_cast<size_t>(row);
            const reference::RowGradients expected =
                reference::backward(reference::load(dtype, row_of(x, dtype, hidden, row), hidden),
                                    reference::load(dtype, row_of(dy, dtype, hidden, row), hidden),
                                    static_cast<double>(mean[r]), static_cast<double>(rstd[r]), options);
            const reference::Values dx_row = reference::load(dtype, row_of(dx, dtype, hidden, row), hidden);
            for (size_t d = 0; d < size; d++) {
                const double allowed = 16 * 0x1p-23 * expected.scale;
                if (!acceptable(dtype, dx_row[d], expected.dx[d], allowed)) {
                    return norma::test::mismatch_text("dx", row,
                                                      {static_cast<int64_t>(d), dx_row[d], expected.dx[d], allowed});
                }
                dweight[d] += expected.dweight[d];
                dbias[d] += expected.dbias[d];
                of_weight[d] += std::fabs(expected.dweight[d]);
                of_bias[d] += std::fabs(expected.dbias[d]);
            }
        }
        for (size_t d = 0; d < size; d++) {
            const auto at = static_cast<int64_t>(d);
            if (std::fabs(static_cast<double>(got.dweight[d]) - dweight[d]) > 36 * 0x1p-23 * of_weight[d]) {
                return norma::test::mismatch_text("dweight", 0,
                                                  {at, static_cast<double>(got.dweight[d]), dweight[d], 0});
            }
            if (is_layer_norm() &&
                std::fabs(static_cast<double>(got.dbias[d]) - dbias[d]) > 33 * 0x1p-23 * of_bias[d]) {
                return norma::test::mismatch_text("dbias", 0, {at, static_cast<double>(got.dbias[d]), dbias[d], 0});
            }
        }
        return "";
    }

    norma_op op;
    norma_dtype dtype;
    int64_t rows, hidden;
    Memory x = random_tensor(dtype, rows *hidden), dy = random_tensor(dtype, rows *hidden + 7),
           weight = random_tensor(dtype, hidden + 3), dx;
    std::vector<float> mean, rstd;
};

}  // namespace

TEST_CASE("backward yardsticks are right, whatever the type, the length, the store and the threads") {
    for (const Loops *const *loops = runnable_loops(); *loops != nullptr; loops++) {
        for (const norma_op op : {NORMA_LAYER_NORM_BACKWARD, NORMA_RMS_NORM_BACKWARD}) {
            for (const norma_dtype dtype : {NORMA_F32, NORMA_BF16, NORMA_F16}) {
                for (const int64_t hidden : {1, 31, 64, 100, 768, 5000}) {
                    const int64_t rows = hidden < 1000 ? 201 : 67;
                    const BackwardData data(op, dtype, rows, hidden);
                    for (const Store store : stores) {
                        for (const int threads : {1, 3}) {
                            CAPTURE((*loops)->name, static_cast<int>(op), static_cast<int>(dtype), hidden, threads);
                            Team team(threads);
                            BackwardYardstick yardstick(**loops, data.backward(), rows, store, team);
                            if (!yardstick.exists()) {
                                continue;
                            }
                            yardstick.run();
                            yardstick.run();  // starts from nothing again
                            REQUIRE(data.check(yardstick) == "");
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("quantized yardsticks are right, whatever the length") {
    Team team(1);
    for (const Loops *const *loops = runnable_loops(); *loops != nullptr; loops++) {
        for (const norma_dtype y_dtype : {NORMA_I8, NORMA_F8_E4M3}) {
            for (const int64_t hidden : {1, 33, 64, 100, 768, 5000}) {
                CAPTURE((*loops)->name, (*loops)->native_bf16, static_cast<int>(y_dtype), hidden);
                constexpr int64_t rows = 5;
                const Memory x = random_tensor(NORMA_BF16, rows * hidden), weight = random_tensor(NORMA_BF16, hidden);
                const Memory y(static_cast<size_t>(rows * hidden));
                std::vector<float> scale(rows);
                const Norm norm{NORMA_RMS_NORM_FORWARD,
                                NORMA_BF16,
                                x.data(),
                                weight.data(),
                                nullptr,
                                y.data(),
                                hidden,
                                1e-5F,
                                y_dtype,
                                scale.data()};
                if (!yardstick(**loops, norm, rows, Store::ordinary, team)) {
                    continue;
                }
                reference::Options options;
                options.eps = 1e-5;
                options.weight = reference::load(NORMA_BF16, weight.data(), hidden);
                for (int64_t row = 0; row < rows; row++) {
                    const reference::Row expected = reference::rms_norm(
                        reference::load(NORMA_BF16, row_of(x, NORMA_BF16, hidden, row), hidden), options);
                    double largest = 0;
                    for (const double value : expected.y) {
                        largest = std::max(largest, std::fabs(value));
                    }
                    const double step = largest / static_cast<double>(norma::info_of(y_dtype).max_finite);
                    CHECK(std::fabs(static_cast<double>(scale[static_cast<size_t>(row)]) - step) <= 8 * 0x1p-23 * step);
                    const reference::Values got = reference::load(y_dtype, row_of(y, y_dtype, hidden, row), hidden);
                    for (size_t d = 0; d < got.size(); d++) {
                        REQUIRE(acceptable(y_dtype, got[d], expected.y[d] / step,
                                           16 * 0x1p-23 * std::fabs(expected.y[d] / step)));
                    }
                }
            }
        }
    }
}
