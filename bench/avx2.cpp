// SPDX-License-Identifier: MIT
// AVX2 and FMA vectors, for the copies and yardsticks. Compiled with the options of the instruction set
// (CMakeLists.txt): call nothing here before loops.cpp has asked the CPU.
#include <immintrin.h>

#include <cstdint>

namespace norma::bench {
namespace {

struct Lanes {
    using V = __m256;
    static constexpr int width = 8;
    static constexpr int bytes = 32;

    static V load(const void *p) { return _mm256_loadu_ps(static_cast<const float *>(p)); }
    template <bool streaming>
    static void store(void *p, V v) {
        if (streaming) {
            _mm256_stream_ps(static_cast<float *>(p), v);
        } else {
            _mm256_storeu_ps(static_cast<float *>(p), v);
        }
    }
    static V combine(V a, V b) { return _mm256_xor_ps(a, b); }
    static void fence() { _mm_sfence(); }

    static V zero() { return _mm256_setzero_ps(); }
    static V all(float f) { return _mm256_set1_ps(f); }
    static V add(V a, V b) { return _mm256_add_ps(a, b); }
    static V sub(V a, V b) { return _mm256_sub_ps(a, b); }
    static V mul(V a, V b) { return _mm256_mul_ps(a, b); }
    static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
    static float sum(V v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
    }

    // The first n lanes, 0 <= n <= width.
    using Mask = __m256i;
    static Mask first(int64_t n) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
    static V load(const float *p, Mask m) { return _mm256_maskload_ps(p, m); }
    static V keep(Mask m, V v) { return _mm256_and_ps(_mm256_castsi256_ps(m), v); }
    static void store(float *p, Mask m, V v) { _mm256_maskstore_ps(p, m, v); }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"
#include "yardstick_loops.h"

namespace norma::bench {

const Loops avx2_loops = {"avx2", copy_loop, norm_loop<RmsNorm>, norm_loop<LayerNorm>};

}  // namespace norma::bench
