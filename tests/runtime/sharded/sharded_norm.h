// SPDX-License-Identifier: MIT
// A norm whose rows are spread over ranks, on whole tensors of which each rank takes its columns.
#pragma once

#include <string>

#include "ranks.h"
#include "tests/support/rows.h"
#include "tools/reference/reference.h"

namespace norma::test {

struct ShardedSpec {
    norma_op op = NORMA_RMS_NORM_FORWARD;
    norma_dtype dtype = NORMA_F32;
    std::vector<int64_t> slices;  // of each rank
    std::vector<int64_t> outer = {5};
    int64_t chunk = 0, block = 0;
    norma_exchange_kind kind = NORMA_ALL_GATHER;
    RowKind rows_of = RowKind::normal;
    bool residual = false;       // of a forward
    norma_dtype y = NORMA_NONE;  // of a forward, where it is not the type of x
    norma_scale scale = NORMA_SCALE_NONE;
    norma_device_type device = NORMA_CPU;
    float eps = 1e-5F;

    int64_t hidden() const;
    int64_t rows() const;
    bool backward() const { return op == NORMA_LAYER_NORM_BACKWARD || op == NORMA_RMS_NORM_BACKWARD; }
    bool layer_norm() const { return op == NORMA_LAYER_NORM_FORWARD || op == NORMA_LAYER_NORM_BACKWARD; }
    std::string text() const;
};

// `count` ranks with as many columns each.
std::vector<int64_t> even(int64_t hidden, int32_t count);

class ShardedNorm {
public:
    explicit ShardedNorm(const ShardedSpec &spec);

    norma_exchange exchange = Ranks::exchange;
    std::function<void *(int32_t rank)> communicator;  // of the exchange; else the ranks

    // By rank. `change` alters a rank's call.
    using Change = std::function<void(int32_t rank, norma_arguments &arguments, norma_execution &execution)>;
    std::vector<norma_status> run(Ranks &ranks, const Change &change = nullptr);
    void run();  // must succeed

    // The bytes of all outputs: of y, or dx, dweight and dbias, and the statistics of each rank.
    std::string bytes(bool with_statistics = true) const;
    // Nothing was written since it was made.
    bool untouched() const;
    // All of a rank's y.
    bool is_nan(int32_t rank) const;
    // What is wrong with the outputs against float64, in one line; empty when nothing is.
    std::string check(double ulps) const;

    ShardedSpec spec;
    std::vector<std::string> messages;  // by rank, of runs that failed

private:
    struct Tensor {
        std::string bytes;
        norma_dtype dtype = NORMA_NONE;
    };

    norma_sharded_desc describe(int32_t rank) const;
    norma_status run_rank(Ranks &ranks, int32_t rank, const Change &change);
    norma_tensor columns(Tensor &tensor, int32_t rank, bool has_rows) const;
    norma_tensor statistic(std::vector<float> &values) const;
    norma_tensor scales(int32_t rank);
    std::vector<std::pair<void *, size_t>> memory();  // of all tensors
    reference::Values row(const Tensor &tensor, int64_t row) const;
    reference::Values input(int64_t row) const;  // that is normalized
    std::string check_forward(double ulps) const;
    std::string check_quantized(int64_t row, const reference::Row &expected) const;
    std::string check_backward(double ulps) const;

    Tensor x_, residual_, dy_, weight_, bias_, y_, residual_out_, dweight_, dbias_;
    std::vector<std::vector<float>> mean_, rstd_, y_scale_;  // by rank
    std::string before_;
};

// Checks the norm of `hidden` elements on one rank and on `counts`, which must have the same bits; gives these.
std::string check_on_ranks(ShardedSpec spec, int64_t hidden, const std::vector<int32_t> &counts);

}  // namespace norma::test
