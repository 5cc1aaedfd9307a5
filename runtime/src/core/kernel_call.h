// SPDX-License-Identifier: MIT
// A worker's call of the kernel: the argument vector of Halide's ABI, made once and then moved from slice to slice.
#pragma once

#include "strip_sums.h"

namespace norma {

// Kernels look at the address in the host's memory alone, or at that on the device.
inline void set_address(halide_buffer_t &buffer, char *data, bool host_memory) {
    if (host_memory) {
        buffer.host = reinterpret_cast<uint8_t *>(data);
    } else {
        buffer.device = reinterpret_cast<uintptr_t>(data);
    }
}

// What all workers of a run share.
struct Run {
    const norma_plan *plan;
    const Kernel *kernel;
    float eps, weight_offset, y_zero_point;
    int32_t store_mode;
    int64_t rows_per_slice;
    Work work;
};

class KernelCall {
public:
    // Not to be used before bind().
    KernelCall() {}
    KernelCall(const KernelCall &) = delete;
    KernelCall &operator=(const KernelCall &) = delete;

    // Of a run that outlives it. Where one slice has all its rows, they are next.
    void bind(const Run &run, char *scratch, int64_t scratch_bytes);

    // The run's data of this tensor is another now.
    void take_data(int index);

    // After a failure, whose message is lost then.
    void forget_failure() {
        context_.message[0] = '\0';
        context_.scratch.top = context_.scratch.begin;
        context_.scratch.last = nullptr;
    }

    // Where the column sums of the rows that follow go: they start from zero.
    void start_strip(char *column_sums, int64_t column_sum_bytes);

    // All strips of the run, where they run side by side: their sums start from what is there where `zeroed`.
    void start_strips(const StripSums &sums, int64_t count, bool zeroed);

    // Rows [first, first + count) of the run. 0 or the kernel's error, which message() explains.
    int run(int64_t first, int64_t count);

    const char *message() const { return context_.message; }
    CallContext &context() { return context_; }

private:
    char *data_of(const TensorSlot &slot);
    void place_column_sums(char *first, int64_t bytes);  // of each gradient
    void move_to(const int64_t *position, int64_t rows);
    void set_rows(SlotBuffer &to, const TensorSlot &slot, int64_t rows) const;
    int call_kernel();

    // A small call would notice the time to clear all of them.
    union Buffers {
        Buffers() {}
        SlotBuffer at[tensor_role_count];  // by slot of the template
    };

    const Run *run_;
    bool host_memory_;
    int64_t at_first_rows_;  // how many of the run's first rows the arguments are set for; 0: they are elsewhere
    CallContext context_;
    CallContext *context_address_;
    int32_t strips_, first_strip_, continued_;
    int64_t strip_stride_;  // of column sums, in elements
    float unwanted_;        // statistics that the caller does not ask for
    void *arguments_[max_arguments + 1];
    Buffers buffers_;
};

// Most rows of one slice: extent * stride of every buffer within the limit.
int64_t rows_per_slice(const norma_plan &plan, const Work &work);

}  // namespace norma
