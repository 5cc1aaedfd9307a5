// SPDX-License-Identifier: MIT
#include "gradients.h"

#include <HalideRuntime.h>

#include "errors.h"
#include "kernel_call.h"
#include "runtime/src/device/cpu/parallel.h"

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

int add_columns(const Gradients &gradients, const ColumnSum &gradient, int64_t first, int64_t count,
                CallContext &context) {
    const norma_plan &plan = gradients.plan;
    const int32_t columns = static_cast<int32_t>(count);
    const int32_t strip_stride = static_cast<int32_t>(gradients.sums.strip_bytes / static_cast<int64_t>(sizeof(float)));

    halide_dimension_t from_dimensions[] = {{0, columns, 1, 0},
                                            {0, static_cast<int32_t>(gradients.strips), strip_stride, 0}};
    halide_buffer_t from = {};
    set_address(from,
                gradients.sums.base + gradient.slot * gradients.sums.column_sum_bytes +
                    first * static_cast<int64_t>(sizeof(float)),
                context.cuda);
    from.type = halide_type_t(halide_type_float, 32);
    from.dimensions = 2;
    from.dim = from_dimensions;

    halide_dimension_t to_dimensions[] = {{0, columns, 1, 0}};
    halide_buffer_t to = {};
    set_address(to, gradients.work.operands[gradient.index].data + first * plan.sizes[gradient.index], context.cuda);
    to.type = halide_type(plan.dtypes[gradient.index]);
    to.dimensions = 1;
    to.dim = to_dimensions;

    CallContext *context_address = &context;
    void *arguments[] = {&context_address, &from, &to};
    return plan.target->strip_sums[plan.dtypes[gradient.index]](arguments);
}

int add_block(const Gradients &gradients, const ColumnSum &gradient, int64_t block) {
    const int64_t first = block * columns_per_block;
    CallContext context = {};
    return add_columns(gradients, gradient, first, smaller(gradients.plan.hidden - first, columns_per_block), context);
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

int add_cuda_strips(const norma_plan &plan, const Work &work, CallContext &context, const StripSums &sums,
                    int64_t strips) {
    const Gradients gradients = {plan, work, sums, strips, 1, {0, 1}};
    int error = 0;
    for (int32_t i = 0; i < plan.call.column_sum_count && error == 0; i++) {
        error = add_columns(gradients, plan.call.column_sums[i], 0, plan.hidden, context);
        error = error == 0 && context.message[0] != '\0' ? -1 : error;
    }
    return error;
}

}  // namespace norma
