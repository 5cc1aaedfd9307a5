// SPDX-License-Identifier: MIT
#include "loops.h"

namespace norma::bench {

const Loops *const *runnable_loops() {
    static const Loops *list[5] = {};
    static const bool filled = [] {
        int n = 0;
        const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq");
        if (avx512 && __builtin_cpu_supports("avx512bf16")) {
            list[n++] = &avx512_bf16_loops;
        }
        if (avx512) {
            list[n++] = &avx512_loops;
        }
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
            list[n++] = &avx2_loops;
        }
        list[n] = &sse2_loops;
        return true;
    }();
    static_cast<void>(filled);
    return list;
}

}  // namespace norma::bench
