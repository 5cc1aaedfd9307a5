// SPDX-License-Identifier: MIT
// All that Norma asks of Halide's runtime, and all that the runtime and the kernels ask of Norma.
#pragma once

#include "norma/norma.h"
#include "runtime/kernel_host/call_context.h"

namespace norma {

// Once per process, before anything else of the runtime is used: errors do not abort, kernels' scratch comes from the
// CallContext, nothing prints.
void install_halide_hooks();

// `features`: bits of halide_target_feature_t.
bool cpu_has_features(const uint64_t *features);

// Most threads of the pool, the calling one included, 1 to max_pool_threads.
inline constexpr int32_t max_pool_threads = 256;
void set_pool_threads(int32_t threads);
void shut_down_pool();

// A norma_parallel_for over Halide's pool.
int pool_parallel_for(void *context, int64_t count, norma_task task, void *task_data);

}  // namespace norma
