// SPDX-License-Identifier: MIT
#include "gradients.h"

#include "parallel.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

constexpr int64_t columns_per_block = 256;  // the least that a worker takes

struct Gradients {
    const norma_plan &plan;
    const Work &work;
    const StripSums &sums;
    int64_t strips;
    int64_t blocks;  // of columns, for each gradient
    Ranges ranges;   // over the blocks of all gradients
    std::atomic<int> error{0};
};

int add_block(const Gradients &gradients, const ColumnSum &gradient, int64_t block) {
    const int64_t first = block * columns_per_block;
    const int64_t count = smaller(gradients.plan.hidden - first, columns_per_block);
    CallContext context = {};
    return add_columns(gradients.plan, gradients.work, gradients.sums, gradients.strips, &gradient, 1, first, count,
                       context);
}

void run_worker(void *task_data, int64_t) {
    Gradients &gradients = *static_cast<Gradients *>(task_data);
    int64_t first = 0, count = 0;
    while (gradients.error == 0 && gradients.ranges.take(&first, &count)) {
        for (int64_t i = first; i < first + count; i++) {
            const ColumnSum &gradient = gradients.plan.call.column_sums[i / gradients.blocks];
            const int error = add_block(gradients, gradient, i % gradients.blocks);
            if (error != 0) {
                gradients.error = error;
            }
        }
    }
}

}  // namespace

norma_status add_strips(const norma_plan &plan, const Work &work, const norma_execution &execution,
                        const StripSums &sums, int64_t strips) {
    const int64_t blocks = divide_up(plan.hidden, columns_per_block);
    const int64_t count = blocks * plan.call.column_sum_count;
    const int64_t least = divide_up(plan.grain_size, columns_per_block * (strips > 0 ? strips : 1));
    const int32_t workers = workers_for(execution, count, least);
    Gradients gradients = {plan, work, sums, strips, blocks, {count, items_per_range(count, least, workers)}};
    const norma_status status = run_workers(execution, workers, run_worker, &gradients);
    if (gradients.error != 0) {
        return fail(NORMA_INTERNAL, "the sum of the strips of kernel %s returned %d", plan.kernel->name,
                    gradients.error.load());
    }
    return status;
}

}  // namespace norma
