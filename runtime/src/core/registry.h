// SPDX-License-Identifier: MIT
// The table that normagen writes: every kernel of this library, grouped by target, best target first.
#pragma once

#include "runtime/kernel_host/run_time.h"
#include "runtime/vocabulary/tensors.h"

namespace norma {

inline constexpr int max_arguments = role_count;  // one of each role

struct Target {
    const char *name;
    const char *halide;
    uint64_t features[4];  // bits of halide_target_feature_t, for cpu_has_features
    // By the type of y; null in a library without backward. Arguments: user_context, partials [hidden, strips], before
    // [hidden], accumulate, y [hidden].
    int (*strip_sums[dtype_count])(void **arguments);
    norma_device_type device;
    int32_t capability;  // the least of a device, as its kind counts them: of CUDA, 10 * major + minor; of CPUs 0
    // Null on CPUs, and in a library without kernels for merged moments. Arguments: user_context, first and second
    // [rank, row, chunk], slice, chunk, centred, first and second [row].
    int (*merge)(void **arguments) = nullptr;
    // By the type of both gradients of a backward; null where one at a time is added up. Arguments: user_context,
    // partials [hidden, strips, gradient], before of both, accumulate, y of both.
    int (*strip_sum_pairs[dtype_count])(void **arguments) = {};
};

struct Kernel {
    const char *name;
    int (*run)(void **arguments);
    uint16_t target;  // index into targets
    Variant variant;
    int32_t workspace_per_element;  // bytes of scratch a running task needs, times hidden; or unknown_workspace
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
