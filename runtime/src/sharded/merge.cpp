// SPDX-License-Identifier: MIT
// Compiled without contraction: the bits are the same on every architecture.
#include "merge.h"

#include <float.h>

namespace norma {
namespace {

// The chunks of a row, in its order.
struct RowOfChunks {
    const norma_sharded_plan &plan;
    const double *gathered;  // of the row's first chunk on rank 0
    int64_t rank_stride;

    template <typename Term>
    double sum(Term term) const {
        double sum = 0;
        for (int32_t rank = 0; rank < plan.ranks; rank++) {
            const int64_t chunks = chunks_of(plan, rank);
            for (int64_t i = 0; i < chunks; i++) {
                sum += static_cast<double>(chunk_size(plan, rank, i)) * term(rank * rank_stride + i);
            }
        }
        return sum;
    }
};

double square(double value) { return value * value; }

// So that an infinite first chunk leaves no more than what the formula has.
double finite_or_zero(double value) { return value >= -DBL_MAX && value <= DBL_MAX ? value : 0; }

}  // namespace

void merge_gathered(const norma_sharded_plan &plan, int64_t rows, const double *gathered, int64_t count,
                    double *merged) {
    const double hidden = static_cast<double>(plan.hidden);
    const int64_t moment_stride = rows * plan.most_chunks;
    for (int64_t row = 0; row < rows; row++) {
        const double *first = gathered + sent_before(plan) + row * plan.most_chunks, *second = first + moment_stride;
        const RowOfChunks chunks = {plan, first, count};
        if (plan.centred) {
            // Around the first chunk's mean, so that that of a constant row is exact.
            const double around = finite_or_zero(first[0]);
            const double mean = around + chunks.sum([&](int64_t i) { return first[i] - around; }) / hidden;
            merged[row] = mean;
            merged[rows + row] = chunks.sum([&](int64_t i) { return second[i] + square(first[i] - mean); }) / hidden;
            continue;
        }
        for (int32_t k = 0; k < plan.moments; k++) {
            const double *moment = first + k * moment_stride;
            merged[k * rows + row] = chunks.sum([&](int64_t i) { return moment[i]; }) / hidden;
        }
    }
}

void add_up_chunks(const norma_sharded_plan &plan, int64_t rows, const double *partials, double *sums) {
    const int64_t chunks = chunks_of(plan, plan.rank), moment_stride = rows * plan.most_chunks;
    for (int64_t row = 0; row < rows; row++) {
        for (int32_t k = 0; k < plan.moments; k++) {
            double sum = 0;
            for (int64_t i = 0; i < chunks; i++) {
                const double *at = partials + row * plan.most_chunks + i;
                const double value = at[k * moment_stride] + (plan.centred && k == 1 ? square(at[0]) : 0);
                sum += static_cast<double>(chunk_size(plan, plan.rank, i)) * value;
            }
            sums[k * rows + row] = sum;
        }
    }
}

void merge_reduced(const norma_sharded_plan &plan, int64_t rows, const double *sums, double *merged) {
    const double hidden = static_cast<double>(plan.hidden);
    for (int64_t i = 0; i < plan.moments * rows; i++) {
        merged[i] = sums[i] / hidden;
    }
    for (int64_t row = 0; plan.centred && row < rows; row++) {
        const double variance = merged[rows + row] - square(merged[row]);
        merged[rows + row] = variance < 0 ? 0 : variance;  // NaN passes
    }
}

}  // namespace norma
