// SPDX-License-Identifier: MIT
// The order of kernels of one variant, which the dispatcher and the tuner share.
#pragma once

#include <cstdint>

namespace norma {

// An exact hidden size beats any class, a larger multiple a smaller one, and then a bound none. `exact` and `most`: 0
// for none.
inline int64_t specialization(int32_t exact, int32_t multiple, int32_t most) {
    return exact != 0 ? INT64_MAX : 2 * int64_t{multiple} + (most != 0);
}

}  // namespace norma
