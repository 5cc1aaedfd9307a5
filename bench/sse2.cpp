// SPDX-License-Identifier: MIT
// SSE2 vectors, for the copies.
#include <emmintrin.h>

namespace norma::bench {
namespace {

struct Lanes {
    using V = __m128;
    static constexpr int bytes = 16;

    static V load(const void *p) { return _mm_loadu_ps(static_cast<const float *>(p)); }
    template <bool streaming>
    static void store(void *p, V v) {
        if (streaming) {
            _mm_stream_ps(static_cast<float *>(p), v);
        } else {
            _mm_storeu_ps(static_cast<float *>(p), v);
        }
    }
    static V combine(V a, V b) { return _mm_xor_ps(a, b); }
    static void fence() { _mm_sfence(); }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"

namespace norma::bench {

const Loops sse2_loops = {"sse2", false, copy_loop, nullptr, nullptr};

}  // namespace norma::bench
