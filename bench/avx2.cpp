// SPDX-License-Identifier: MIT
// AVX2, FMA and F16C vectors, for the copies and yardsticks. Compiled with the options of the instruction set
// (CMakeLists.txt): call nothing here before loops.cpp has asked the CPU.
#include <immintrin.h>
#include <stdint.h>

namespace norma::bench {
namespace {

struct Lanes {
    using V = __m256;
    static constexpr int width = 8;
    static constexpr int bytes = 32;
    static constexpr int rows_in_flight = 2;  // whose factors fit the 16 registers

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

    // The sums of four vectors.
    static __m128 totals(V a, V b, V c, V d) {
        const V quads = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
        return _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
    }

    // The first n lanes of v, others 0.
    static V first(V v, int64_t n) {
        return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                                                                       _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))));
    }

    // Words of two bf16: the even and the odd elements as fp32.
    static V even(V words) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words), 16)); }
    static V odd(V words) { return _mm256_and_ps(words, _mm256_castsi256_ps(_mm256_set1_epi32(-0x10000))); }
    // What 0x7fff + the last bit kept carries into the upper half: a NaN of 16-bit origin stays one.
    static __m256i rounded(V v) {
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        return _mm256_add_epi32(bits, _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff)));
    }
    static V pack_bf16(V even, V odd) {
        return _mm256_castsi256_ps(_mm256_blend_epi16(_mm256_srli_epi32(rounded(even), 16), rounded(odd), 0xaa));
    }
    static constexpr bool dot_bf16 = false;

    using Half = __m128i;
    static V from_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const Half *>(p))); }
    static V pack_f16(V low, V high) {
        const Half a = _mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT);
        const Half b = _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT);
        return _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1));
    }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"
#include "yardstick_backward.h"

namespace norma::bench {
namespace {

NormLoop norm_loop(const Norm &norm, Store store) {
    return norm.y_scale == nullptr ? forward_loop(norm, store) : nullptr;
}

}  // namespace

const Loops avx2_loops = {"avx2", false, copy_loop, norm_loop, backward_loop};

}  // namespace norma::bench
