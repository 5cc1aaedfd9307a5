// SPDX-License-Identifier: MIT
// The table that normagen writes: every kernel of this library, grouped by target, best target first.
#pragma once

#include "norma/norma.h"

namespace norma {

// What a kernel is called with, in the order of Kernel::arguments. Tensors come as halide_buffer_t *, scalars by
// address.
enum class Role : uint8_t {
    user_context,  // void **: the address of a CallContext *
    x,
    weight,
    bias,
    residual,
    y,
    residual_out,
    mean,  // where the caller does not want statistics, the row stride is 0: CUDA kernels then leave them out
    rstd,  // likewise
    dy,
    d_residual,
    dx,
    dweight,  // a strip's fp32 sums, added to: [rows, hidden] with a row stride of 0; CUDA: [strips, hidden]
    dbias,    // likewise
    x_scale,  // [rows]; a row stride of 0 where one number is for all
    y_scale,  // likewise; or [rows, groups]
    y_float,
    x_column_scale,
    eps,            // float
    weight_offset,  // float
    y_zero_point,   // float
    store_mode,     // int32_t, see StoreMode
    strips,         // int32_t, of CUDA: row r of a run belongs to strip r % strips
    first_strip,    // int32_t: that of this call's first row
    continued,      // int32_t: whether the strips' sums are added to; else they are not read, and rows >= strips
};

inline constexpr int max_arguments = 25;  // one of each role

// How a kernel writes its activations. Passed at run time: one kernel, one arithmetic, so the bits cannot differ.
enum StoreMode : int32_t { ordinary = 0, streaming = 1, streaming_prefetch = 2 };

// What is decided at each run. The bits do not depend on it.
struct RunTime {
    int64_t streaming_threshold;  // bytes read and written, from which on StoreMode::streaming pays
    int64_t prefetch_row_min;     // bytes of a row of x between which prefetching the next row pays
    int64_t prefetch_row_max;
    int64_t grain_size;  // that are worth a thread
};

struct Target {
    const char *name;
    const char *halide;
    uint64_t features[4];  // bits of halide_target_feature_t, for halide_can_use_target_features
    // By the type of y, from NORMA_F32 on; null in a library without backward. Arguments: user_context, partials
    // [hidden, strips], y [hidden].
    int (*strip_sums[3])(void **arguments);
    int32_t sm;  // of a CUDA device: its least compute capability, 10 * major + minor. 0: a target of CPUs
};

inline norma_device_type device_of(const Target &target) { return target.sm == 0 ? NORMA_CPU : NORMA_CUDA; }

struct Kernel {
    const char *name;
    int (*run)(void **arguments);
    uint16_t target;  // index into targets
    norma_op op;
    norma_contract contract;
    norma_dtype x, y, weight, bias, residual, y_float;
    norma_scale scale;
    uint32_t flags;  // those of a desc that it was compiled for: NORMA_RECOMPUTE_STATISTICS
    int32_t hidden_multiple;
    int32_t hidden_exact;
    int32_t hidden_most;
    int32_t workspace_per_element;  // bytes of scratch a running task needs, times hidden
    uint8_t argument_count;
    const Role *arguments;
    RunTime run_time;
    const char *strategy;
    const char *knobs;  // and the run-time choices
    const char *origin;
    // Bytes that data and row strides of activations and vectors must be multiples of; 0: no more than their elements.
    // Kernels of one strategy and class of hidden sizes that differ in this alone compute the same bits.
    int32_t alignment;
};

extern const Target targets[];
extern const int32_t target_count;
extern const Kernel kernels[];
extern const int32_t kernel_count;

}  // namespace norma
