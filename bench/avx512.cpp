// SPDX-License-Identifier: MIT
// AVX-512 vectors, for the copies and yardsticks. Compiled with the options of the instruction set (CMakeLists.txt):
// call nothing here before loops.cpp has asked the CPU.
#include <immintrin.h>

#include <cstdint>

namespace norma::bench {
namespace {

struct Lanes {
    using V = __m512;
    static constexpr int width = 16;
    static constexpr int bytes = 64;

    static V load(const void *p) { return _mm512_loadu_ps(p); }
    template <bool streaming>
    static void store(void *p, V v) {
        if (streaming) {
            _mm512_stream_ps(static_cast<float *>(p), v);
        } else {
            _mm512_storeu_ps(p, v);
        }
    }
    static V combine(V a, V b) {
        return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
    }
    static void fence() { _mm_sfence(); }

    static V zero() { return _mm512_setzero_ps(); }
    static V all(float f) { return _mm512_set1_ps(f); }
    static V add(V a, V b) { return _mm512_add_ps(a, b); }
    static V sub(V a, V b) { return _mm512_sub_ps(a, b); }
    static V mul(V a, V b) { return _mm512_mul_ps(a, b); }
    static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
    // Not _mm512_reduce_add_ps: in GCC 12 its unmasked extracts warn of an uninitialized value.
    static float sum(V v) {
        const __m256d low = _mm512_maskz_extractf64x4_pd(0xff, _mm512_castps_pd(v), 0);
        const __m256d high = _mm512_maskz_extractf64x4_pd(0xff, _mm512_castps_pd(v), 1);
        const __m256 half = _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
    }

    // The first n lanes, 0 <= n <= width.
    using Mask = __mmask16;
    static Mask first(int64_t n) { return static_cast<Mask>((1u << n) - 1); }
    static V load(const float *p, Mask m) { return _mm512_maskz_loadu_ps(m, p); }
    static V keep(Mask m, V v) { return _mm512_maskz_mov_ps(m, v); }
    static void store(float *p, Mask m, V v) { _mm512_mask_storeu_ps(p, m, v); }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"
#include "yardstick_loops.h"

namespace norma::bench {

const Loops avx512_loops = {"avx512", copy_loop, norm_loop<RmsNorm>, norm_loop<LayerNorm>};

}  // namespace norma::bench
