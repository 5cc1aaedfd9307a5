// SPDX-License-Identifier: MIT
#include "kernel_call.h"

#include <string.h>

#include "runtime/src/device/device.h"

namespace norma {

void KernelCall::bind(const Run &run, char *scratch, int64_t scratch_bytes) {
    run_ = &run;
    host_memory_ = run.plan->device->host_memory;
    context_.scratch = {scratch, scratch, scratch + scratch_bytes};
    context_.may_allocate = run.kernel->workspace_per_element == unknown_workspace;
    context_.device_call = nullptr;
    context_.message[0] = '\0';
    context_address_ = &context_;
    strips_ = first_strip_ = continued_ = 0;
    strip_stride_ = 0;
    const CallTemplate &call = run.plan->call;
    arguments_[call.user_context] = &context_address_;
    arguments_[call.eps] = const_cast<float *>(&run.eps);
    arguments_[call.weight_offset] = const_cast<float *>(&run.weight_offset);
    arguments_[call.y_zero_point] = const_cast<float *>(&run.y_zero_point);
    arguments_[call.store_mode] = const_cast<int32_t *>(&run.store_mode);
    arguments_[call.strips] = &strips_;
    arguments_[call.first_strip] = &first_strip_;
    arguments_[call.continued] = &continued_;
    const int64_t rows = run.work.rows;
    at_first_rows_ = run.work.levels == 1 && rows <= run.rows_per_slice ? rows : 0;
    for (int i = 0; i < call.slot_count; i++) {
        const TensorSlot &slot = call.slots[i];
        SlotBuffer &to = buffers_.at[i];
        to = slot.filled;
        set_address(to.buffer, data_of(slot), host_memory_);
        to.buffer.dim = to.dimensions;
        set_rows(to, slot, at_first_rows_);
        arguments_[slot.argument] = &to.buffer;
    }
}

void KernelCall::set_rows(SlotBuffer &to, const TensorSlot &slot, int64_t rows) const {
    if (!slot.has_rows) {
        return;
    }
    // A stride that one row does not use may be too large for Halide.
    const int64_t stride = slot.column_sum ? strip_stride_
                           : !slot.given   ? 0
                           : rows == 1     ? slot.one_row_stride
                                           : run_->work.operands[slot.index].strides[0];
    halide_dimension_t &dimension = to.dimensions[slot.row_dimension];
    dimension.extent = static_cast<int32_t>(rows);
    dimension.stride = static_cast<int32_t>(stride);
}

char *KernelCall::data_of(const TensorSlot &slot) {
    char *const unwanted = host_memory_ ? reinterpret_cast<char *>(&unwanted_) : nullptr;
    return slot.given ? run_->work.operands[slot.index].data : unwanted;
}

void KernelCall::take_data(int index) {
    const CallTemplate &call = run_->plan->call;
    for (int i = 0; i < call.slot_count; i++) {
        if (call.slots[i].index == index) {
            set_address(buffers_.at[i].buffer, data_of(call.slots[i]), host_memory_);
        }
    }
}

void KernelCall::start_strip(char *column_sums, int64_t column_sum_bytes) {
    memset(column_sums, 0, static_cast<size_t>(column_sum_bytes * run_->plan->call.column_sum_count));
    place_column_sums(column_sums, column_sum_bytes);
}

void KernelCall::start_strips(const StripSums &sums, int64_t count, bool zeroed) {
    at_first_rows_ = 0;
    strips_ = static_cast<int32_t>(count);
    continued_ = zeroed;
    strip_stride_ = sums.strip_bytes / static_cast<int64_t>(sizeof(float));
    place_column_sums(sums.base, sums.column_sum_bytes);
}

void KernelCall::place_column_sums(char *first, int64_t bytes) {
    const CallTemplate &call = run_->plan->call;
    for (int i = 0; i < call.slot_count; i++) {
        if (call.slots[i].column_sum) {
            set_address(buffers_.at[i].buffer, first, host_memory_);
            first += bytes;
        }
    }
}

void KernelCall::move_to(const int64_t *position, int64_t rows) {
    const Work &work = run_->work;
    const CallTemplate &call = run_->plan->call;
    for (int i = 0; i < call.slot_count; i++) {
        const TensorSlot &slot = call.slots[i];
        SlotBuffer &to = buffers_.at[i];
        set_rows(to, slot, rows);
        if (slot.has_rows && slot.given && !slot.column_sum) {
            const Work::Operand &operand = work.operands[slot.index];
            int64_t offset = position[0] * operand.strides[0];
            for (int level = 1; level < work.levels; level++) {
                offset += position[level] * operand.strides[level];
            }
            set_address(to.buffer, operand.data + offset * run_->plan->sizes[slot.index], host_memory_);
        }
    }
}

int KernelCall::call_kernel() {
    const int error = run_->kernel->run(arguments_);
    return error == 0 && context_.message[0] != '\0' ? -1 : error;
}

int KernelCall::run(int64_t first, int64_t count) {
    if (first == 0 && count == at_first_rows_) {  // as the run before
        return call_kernel();
    }
    const Work &work = run_->work;
    at_first_rows_ = 0;
    while (count > 0) {
        int64_t position[max_levels] = {first, 0, 0};
        for (int level = 0; level + 1 < work.levels; level++) {
            position[level + 1] = position[level] / work.extents[level];
            position[level] %= work.extents[level];
        }
        int64_t rows = work.extents[0] - position[0];
        rows = rows < count ? rows : count;
        rows = rows < run_->rows_per_slice ? rows : run_->rows_per_slice;
        move_to(position, rows);
        if (strips_ != 0) {
            first_strip_ = static_cast<int32_t>(first % strips_);
            continued_ |= first != 0;
        }
        const int error = call_kernel();
        if (error != 0) {
            return error;
        }
        at_first_rows_ = first == 0 && rows == count ? rows : 0;
        first += rows;
        count -= rows;
    }
    return 0;
}

int64_t rows_per_slice(const norma_plan &plan, const Work &work) {
    int64_t largest = plan.hidden;
    for (const int i : plan.present) {
        const int64_t stride = work.operands[i].strides[0];
        largest = stride > largest ? stride : largest;
    }
    int64_t elements = 0;
    if (!__builtin_mul_overflow(largest, work.extents[0], &elements) && elements <= plan.max_slice_elements) {
        return work.extents[0];  // the usual case, without a division
    }
    const int64_t rows = plan.max_slice_elements / largest;
    return rows > 1 ? rows : 1;
}

}  // namespace norma
