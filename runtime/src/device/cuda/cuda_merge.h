// SPDX-License-Identifier: MIT
// What a sharded run on CUDA does between its kernels, on the caller's stream.
#pragma once

#include "runtime/src/device/device.h"

namespace norma {

norma_status merge_on_cuda(const Merge &merge);
norma_status fill_nan_on_cuda(const norma_plan &plan, void *stream, double *begin, int64_t count);

}  // namespace norma
