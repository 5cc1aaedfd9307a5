// SPDX-License-Identifier: MIT
#include "kernel_call.h"

namespace norma {
namespace {

halide_type_t halide_type(norma_dtype dtype) {
    return dtype == NORMA_BF16  ? halide_type_t(halide_type_bfloat, 16)
           : dtype == NORMA_F16 ? halide_type_t(halide_type_float, 16)
                                : halide_type_t(halide_type_float, 32);
}

}  // namespace

KernelCall::KernelCall(const Run &run, char *scratch, int64_t scratch_bytes) : run_(run) {
    context_.scratch = {scratch, scratch, scratch + scratch_bytes};
    context_.message[0] = '\0';
    const Kernel &kernel = *run.plan.kernel;
    for (int i = 0; i < kernel.argument_count; i++) {
        const Role role = kernel.arguments[i];
        if (is_tensor(role)) {
            const int index = tensor_index(role);
            const bool flat = tensor_roles[index].kind == TensorKind::vector;
            const norma_dtype dtype = run.plan.dtypes[index];
            const halide_dimension_t row = {0, static_cast<int32_t>(run.plan.hidden), 1, 0};
            const int dimensions = tensor_roles[index].kind == TensorKind::activation ? 2 : 1;
            char *data = dtype != NORMA_NONE ? run.work.operands[index].data : reinterpret_cast<char *>(&unwanted_);
            dimensions_[index][0] = row;
            buffers_[index] = {0, nullptr, reinterpret_cast<uint8_t *>(data), 0, halide_type(dtype), dimensions,
                               dimensions_[index], nullptr};
            if (!flat) {
                moving_[moving_count_++] = static_cast<uint8_t>(index);
            }
            arguments_[i] = &buffers_[index];
        } else {
            arguments_[i] = role == Role::user_context    ? static_cast<void *>(&context_address_)
                            : role == Role::eps           ? const_cast<float *>(&run.arguments.eps)
                            : role == Role::weight_offset ? const_cast<float *>(&run.arguments.weight_offset)
                                                          : static_cast<void *>(const_cast<int32_t *>(&run.store_mode));
        }
    }
}

void KernelCall::move_to(const int64_t *position, int64_t rows) {
    const Work &work = run_.work;
    for (int i = 0; i < moving_count_; i++) {
        const int index = moving_[i];
        const Work::Operand &operand = work.operands[index];
        const bool statistic = tensor_roles[index].kind == TensorKind::statistic;
        halide_dimension_t &dimension = dimensions_[index][statistic ? 0 : 1];
        // A stride that one row does not use may be too large for Halide.
        const int64_t unused_stride = statistic ? 1 : run_.plan.hidden;
        dimension.min = 0;
        dimension.extent = static_cast<int32_t>(rows);
        dimension.stride = static_cast<int32_t>(rows == 1 && operand.data ? unused_stride : operand.strides[0]);
        if (operand.data) {
            int64_t offset = 0;
            for (int level = 0; level < work.levels; level++) {
                offset += position[level] * operand.strides[level];
            }
            buffers_[index].host = reinterpret_cast<uint8_t *>(operand.data + offset * run_.plan.sizes[index]);
        }
    }
}

int KernelCall::run(int64_t first, int64_t count) {
    const Work &work = run_.work;
    while (count > 0) {
        int64_t position[max_levels] = {first, 0, 0};
        for (int level = 0; level + 1 < work.levels; level++) {
            position[level + 1] = position[level] / work.extents[level];
            position[level] %= work.extents[level];
        }
        int64_t rows = work.extents[0] - position[0];
        rows = rows < count ? rows : count;
        rows = rows < run_.rows_per_slice ? rows : run_.rows_per_slice;
        move_to(position, rows);
        const int error = run_.plan.kernel->run(arguments_);
        if (error != 0 || context_.message[0] != '\0') {
            return error != 0 ? error : -1;
        }
        first += rows;
        count -= rows;
    }
    return 0;
}

int64_t rows_per_slice(const norma_plan &plan, const Work &work) {
    int64_t largest = plan.hidden;
    for (const Work::Operand &operand : work.operands) {
        largest = operand.strides[0] > largest ? operand.strides[0] : largest;
    }
    const int64_t rows = plan.max_slice_elements / largest;
    return rows > 1 ? rows : 1;
}

}  // namespace norma
