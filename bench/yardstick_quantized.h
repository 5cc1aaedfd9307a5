// SPDX-License-Identifier: MIT
// The hand-written RMSNorms of bf16 to int8 and FP8 e4m3 with a scale for each row, in AVX-512: one sweep for the sum
// of squares and the largest magnitude, one that scales, rounds and packs. Included after yardstick_loops.h.
#pragma once

#include "yardstick_loops.h"

namespace norma::bench {
namespace {

// 32 elements in words of two, the odd one in the upper half.
struct Words {
    V even, odd;

    [[gnu::always_inline]] inline explicit Words(const void *p) : Words(Lanes::load(p)) {}
    [[gnu::always_inline]] inline explicit Words(V words) : even(Lanes::even(words)), odd(Lanes::odd(words)) {}
    [[gnu::always_inline]] inline Words times(const Words &b) const {
        return {Lanes::mul(even, b.even), Lanes::mul(odd, b.odd)};
    }
    [[gnu::always_inline]] inline Words(V e, V o) : even(e), odd(o) {}
};

// The first n elements at p, others 0.
Words some(const uint16_t *p, int64_t n) {
    return Words(Lanes::floats(_mm512_maskz_loadu_epi16(n >= 32 ? 0xffffffffu : (1u << n) - 1, p)));
}

// A word of each two codes, in its low half; and what puts 64 of them, from such low halves, in the bytes of y.
struct Int8 {
    static constexpr float most = 127;
    // Added, it rounds to an integer in the low bits. What 256 times the odd one is added to, rounds the even one,
    // which is taken from the odd byte where it is negative.
    static constexpr float magic = 12582912;
    [[gnu::always_inline]] static inline __m512i words(const Words &v, V factor) {
        const V odd = Lanes::fma(v.odd, factor, Lanes::all(magic));
        const V times_256 = Lanes::fma(odd, Lanes::all(256), Lanes::all(magic - 256 * magic));
        return Lanes::bits(Lanes::fma(v.even, factor, times_256));
    }
    [[gnu::always_inline]] static inline __m512i bytes(__m512i halves) {
        const __m512i sign_of_even = _mm512_set1_epi16(0x80);
        return _mm512_xor_si512(_mm512_add_epi16(halves, sign_of_even), sign_of_even);
    }
};

// For each exponent of e4m3, by its low four bits: what leaves its spacing when it is added, so that the sum is
// rounded, and the code of the power of two in the low bits.
alignas(64) constexpr uint32_t spacings[16] = {0x4a000038, 0x4a800040, 0x4b000048, 0x4b800050, 0x4c000058, 0x4c800060,
                                               0x4d000068, 0x4d800070, 0,          0x46800000, 0x47000008, 0x47800010,
                                               0x48000018, 0x48800020, 0x49000028, 0x49800030};

struct E4m3 {
    static constexpr float most = 448;
    [[gnu::always_inline]] static inline __m512i code(V v) {
        const V magnitude = _mm512_range_ps(v, Lanes::all(480), 0b1010);  // 480, which is NaN, where v is
        const __m512i exponent =
            _mm512_srli_epi32(_mm512_max_epu32(Lanes::bits(magnitude), _mm512_set1_epi32(121 << 23)), 23);
        const V spacing = _mm512_permutexvar_ps(exponent, _mm512_load_ps(reinterpret_cast<const float *>(spacings)));
        return _mm512_ternarylogic_epi32(Lanes::bits(Lanes::add(magnitude, spacing)),
                                         _mm512_srli_epi32(Lanes::bits(v), 24), _mm512_set1_epi32(0x80), 0xd8);
    }
    [[gnu::always_inline]] static inline __m512i words(const Words &v, V factor) {
        const __m512i even = code(Lanes::mul(v.even, factor)), odd = code(Lanes::mul(v.odd, factor));
        return _mm512_or_si512(_mm512_and_si512(even, _mm512_set1_epi32(0xff)), _mm512_slli_epi32(odd, 8));
    }
    [[gnu::always_inline]] static inline __m512i bytes(__m512i halves) { return halves; }
};

__m512i low_halves(__m512i words, __m512i later_words) {
    alignas(64) static constexpr uint16_t order[32] = {0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                                       32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
    return _mm512_permutex2var_epi16(words, _mm512_load_si512(order), later_words);
}

template <class Y>
void quantize_range(const Norm &given, int64_t begin, int64_t end) {
    const Norm norm = given;  // a copy that stores to y cannot alias
    const auto *weight = static_cast<const uint16_t *>(norm.weight);
    for (int64_t row = begin; row < end; row++) {
        const auto *x = static_cast<const uint16_t *>(norm.x) + row * norm.hidden;
        auto *y = static_cast<uint8_t *>(norm.y) + row * norm.hidden;
        V squares[chains], most[chains];
        for (int c = 0; c < chains; c++) {
            squares[c] = most[c] = Lanes::zero();
        }
        const auto add = [&](int lane, const Words &value, const Words &w) {
            const Words product = value.times(w);
            squares[lane] = Lanes::fma(value.even, value.even, squares[lane]);
            squares[lane + 1] = Lanes::fma(value.odd, value.odd, squares[lane + 1]);
            most[lane] = _mm512_range_ps(most[lane], product.even, 0b1011);  // the larger magnitude
            most[lane + 1] = _mm512_range_ps(most[lane + 1], product.odd, 0b1011);
        };
        int64_t i = 0;
        for (; i + 64 <= norm.hidden; i += 64) {
            add(0, Words(x + i), Words(weight + i));
            add(2, Words(x + i + 32), Words(weight + i + 32));
        }
        for (; i < norm.hidden; i += 32) {
            add(0, some(x + i, norm.hidden - i), some(weight + i, norm.hidden - i));
        }
        const float square =
            _mm512_reduce_add_ps(Lanes::add(Lanes::add(squares[0], squares[1]), Lanes::add(squares[2], squares[3])));
        const float largest =
            _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3])));
        const float rstd = rstd_of(square / static_cast<float>(norm.hidden), norm.eps);
        norm.y_scale[row] = largest * rstd / Y::most;
        const V factor = Lanes::all(largest > 0 ? Y::most / largest : 0);
        const auto words = [&](const Words &value, const Words &w) { return Y::words(value.times(w), factor); };
        const int64_t row_bytes = 2 * norm.hidden;
        const bool prefetch = row + 1 < end && row_bytes >= prefetch_row_min && row_bytes <= prefetch_row_max;
        const int64_t ahead = prefetch ? norm.hidden : 0;
        for (i = 0; i + 64 <= norm.hidden; i += 64) {
            _mm_prefetch(reinterpret_cast<const char *>(x + ahead + i), _MM_HINT_T1);
            _mm_prefetch(reinterpret_cast<const char *>(x + ahead + i + 32), _MM_HINT_T1);
            const __m512i first = words(Words(x + i), Words(weight + i));
            const __m512i second = words(Words(x + i + 32), Words(weight + i + 32));
            _mm512_storeu_si512(y + i, Y::bytes(low_halves(first, second)));
        }
        for (; i < norm.hidden; i += 32) {
            const int64_t n = norm.hidden - i < 32 ? norm.hidden - i : 32;
            const __m512i first = words(some(x + i, n), some(weight + i, n));
            const __m512i bytes = Y::bytes(low_halves(first, first));
            memcpy(y + i, &bytes, static_cast<size_t>(n));
        }
    }
}

NormLoop norm_loop(const Norm &norm, Store store) {
    if (norm.y_scale == nullptr) {
        return forward_loop(norm, store);
    }
    const bool has = norm.op == NORMA_RMS_NORM_FORWARD && norm.dtype == NORMA_BF16 && norm.bias == nullptr;
    return !has                            ? nullptr
           : norm.y_dtype == NORMA_I8      ? quantize_range<Int8>
           : norm.y_dtype == NORMA_F8_E4M3 ? quantize_range<E4m3>
                                           : nullptr;
}

}  // namespace
}  // namespace norma::bench
