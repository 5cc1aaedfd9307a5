// SPDX-License-Identifier: MIT
// A run on the CPU: its rows are cut in tasks or strips, which workers share. Small calls stay on the calling thread.
#pragma once

#include "runtime/src/core/work.h"

namespace norma {

// Scratch of each worker, then the strips' sums.
int64_t cpu_workspace_size(const norma_plan &plan, int64_t rows, int32_t threads);

norma_status run_on_cpu(norma_call &call, int64_t rows);

}  // namespace norma
