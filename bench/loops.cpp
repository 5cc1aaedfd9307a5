// SPDX-License-Identifier: MIT
#include "loops.h"

namespace norma::bench {

const Loops *const *runnable_loops() {
    static const Loops *list[4] = {};
    static const bool filled = [] {
        int n = 0;
        if (__builtin_cpu_supports("avx512f")) {
            list[n++] = &avx512_loops;
        }
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
            list[n++] = &avx2_loops;
        }
        list[n] = &sse2_loops;
        return true;
    }();
    static_cast<void>(filled);
    return list;
}

}  // namespace norma::bench
