// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/src/core/strip_sums.h"

namespace norma {

// dweight and dbias from the strips' sums; workers share the columns.
norma_status add_strips(const norma_plan &plan, const Work &work, const norma_execution &execution,
                        const StripSums &sums, int64_t strips);

}  // namespace norma
