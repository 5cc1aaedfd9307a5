// SPDX-License-Identifier: MIT
// A run on CUDA: one launch of the kernel for each slice of rows, on the caller's stream.
#pragma once

#include "runtime/src/core/work.h"

namespace norma {

int64_t cuda_workspace_size(const norma_plan &plan, int64_t rows, int32_t threads);

// Loads the plan's kernels in the current context, if that is one of the plan's device: then no run there allocates.
norma_status preload_modules(const norma_plan &plan);

// Null after a refusal.
const Kernel *choose_by_alignment(const norma_plan &plan, const Work &work);

// Of a checked call. Returns when all is launched; waits for nothing.
norma_status run_on_cuda(norma_call &call, int64_t rows);

}  // namespace norma
