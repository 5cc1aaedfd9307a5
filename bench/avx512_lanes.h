// SPDX-License-Identifier: MIT
// AVX-512 vectors, for the copies and yardsticks, with or without the instructions for bf16: included by a file for
// each, compiled with the options of its instruction set.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace norma::bench {
namespace {

struct Lanes {
    using V = __m512;
    using I = __m512i;
    static constexpr int width = 16;
    static constexpr int bytes = 64;
    static constexpr int rows_in_flight = 4;

    static V load(const void *p) { return _mm512_loadu_ps(p); }
    template <bool streaming>
    static void store(void *p, V v) {
        if (streaming) {
            _mm512_stream_ps(static_cast<float *>(p), v);
        } else {
            _mm512_storeu_ps(p, v);
        }
    }
    static I bits(V v) { return _mm512_castps_si512(v); }
    static V floats(I i) { return _mm512_castsi512_ps(i); }
    static V combine(V a, V b) { return floats(_mm512_xor_si512(bits(a), bits(b))); }
    static void fence() { _mm_sfence(); }

    static V zero() { return _mm512_setzero_ps(); }
    static V all(float f) { return _mm512_set1_ps(f); }
    static V add(V a, V b) { return _mm512_add_ps(a, b); }
    static V sub(V a, V b) { return _mm512_sub_ps(a, b); }
    static V mul(V a, V b) { return _mm512_mul_ps(a, b); }
    static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }

    static __m256 halves(V v) {
        const __m512d d = _mm512_castps_pd(v);
        const __m256d low = _mm512_castpd512_pd256(d), high = _mm512_extractf64x4_pd(d, 1);
        return _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
    }
    // The sums of four vectors.
    static __m128 totals(V a, V b, V c, V d) {
        const __m256 quads = _mm256_hadd_ps(_mm256_hadd_ps(halves(a), halves(b)), _mm256_hadd_ps(halves(c), halves(d)));
        return _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
    }

    // The first n lanes of v, others 0.
    static V first(V v, int64_t n) {
        return _mm512_maskz_mov_ps(static_cast<__mmask16>(n >= width ? 0xffff : n <= 0 ? 0 : (1 << n) - 1), v);
    }

    // Words of two bf16: the even and the odd elements as fp32.
    static V even(V words) { return floats(_mm512_slli_epi32(bits(words), 16)); }
    static V odd(V words) { return floats(_mm512_and_si512(bits(words), _mm512_set1_epi32(-0x10000))); }
    // What 0x7fff + the last bit kept carries into the upper half: a NaN of 16-bit origin stays one.
    static I rounded(V v) {
        const I last = _mm512_and_si512(_mm512_srli_epi32(bits(v), 16), _mm512_set1_epi32(1));
        return _mm512_add_epi32(bits(v), _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff)));
    }
    static V pack_bf16_by_integers(V even, V odd) {
        return floats(_mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(rounded(even), 16), rounded(odd)));
    }
#ifdef __AVX512BF16__
    // The instruction takes denormals for 0.
    static V pack_bf16(V even, V odd) {
        const I halves = reinterpret_cast<I>(_mm512_cvtne2ps_pbh(odd, even));
        const I words = _mm512_permutexvar_epi16(_mm512_load_si512(interleaved), halves);
        if (__builtin_expect(_mm512_testn_epi16_mask(words, _mm512_set1_epi16(0x7fff)) != 0, 0)) {
            return pack_bf16_by_integers(even, odd);
        }
        return floats(words);
    }
    alignas(64) static constexpr uint16_t interleaved[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                             21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                             11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    static constexpr bool dot_bf16 = true;
    // sums + the products of even elements + those of odd ones. Denormals are taken for 0.
    static V dot(V sums, V a, V b) {
        return _mm512_dpbf16_ps(sums, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
    }
    static V ones_bf16() { return floats(_mm512_set1_epi16(0x3f80)); }
#else
    static V pack_bf16(V even, V odd) { return pack_bf16_by_integers(even, odd); }
    static constexpr bool dot_bf16 = false;
#endif

    static V from_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i *>(p))); }
    static V pack_f16(V low, V high) {
        const __m256i a = _mm512_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT);
        const __m256i b = _mm512_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT);
        return floats(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
    }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"
#include "yardstick_backward.h"
#include "yardstick_quantized.h"
