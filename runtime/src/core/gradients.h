// SPDX-License-Identifier: MIT
#pragma once

#include "halide_hooks.h"
#include "strips.h"
#include "work.h"

namespace norma {

// dweight and dbias from the strips' sums, in float64 and in the order of the strips.
norma_status add_strips(const norma_plan &plan, const Work &work, const norma_execution &execution,
                        const StripSums &sums, int64_t strips);

// The same on the device, as one launch for each gradient. 0 or an error, which the call holds.
int add_cuda_strips(const norma_plan &plan, const Work &work, CallContext &context, const StripSums &sums,
                    int64_t strips);

}  // namespace norma
