// SPDX-License-Identifier: MIT
#include "strips.h"

#include "integers.h"
#include "workspace.h"

namespace norma {
namespace {

// Never falls with the number of rows.
int64_t most_strips_of(int64_t rows, int64_t hidden) {
    const int64_t enough = most_strips * least_elements_per_strip;
    const int64_t elements = rows < enough ? rows * hidden : enough;
    const int64_t most =
        smaller(most_strips, smaller(rows / least_rows_per_strip, elements / least_elements_per_strip));
    return most > 0 ? most : 1;
}

}  // namespace

Strips cut_in_strips(int64_t rows, int64_t hidden) {
    if (rows == 0) {
        return {0, 0};
    }
    const int64_t most = most_strips_of(rows, hidden);
    const int64_t rows_per_strip = divide_up(rows, most);
    return {divide_up(rows, rows_per_strip), rows_per_strip};
}

int64_t count_cuda_strips(int64_t rows, int64_t hidden) {
    constexpr int64_t most = 128, elements = 1 << 20, least_rows = 8;
    const int64_t wanted = elements / hidden > most ? elements / hidden : most;
    const int64_t count = smaller(rows / least_rows, wanted);
    return count > 0 ? count : 1;
}

StripSums strip_sums(const norma_plan &plan, char *base) {
    const int64_t column_sum_bytes = align_scratch(plan.hidden * static_cast<int64_t>(sizeof(float)));
    return {base, column_sum_bytes, column_sum_bytes * plan.call.column_sum_count};
}

int64_t strip_sums_size(const norma_plan &plan, int64_t rows) {
    const int64_t most = on_cuda(plan) ? count_cuda_strips(rows, plan.hidden) : most_strips_of(rows, plan.hidden);
    return rows == 0 ? 0 : strip_sums(plan, nullptr).strip_bytes * most;
}

}  // namespace norma
