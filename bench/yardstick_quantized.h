// SPDX-License-Identifier: MIT
// The hand-written RMSNorms of bf16 to int8 and FP8 e4m3 with a scale for each row, in AVX-512: one sweep for the sum
// of squares and the largest magnitude, one that scales, rounds and packs. Included after yardstick_loops.h.
#pragma once

#include <utility>

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

struct Int8 {
    static constexpr float most = 127;
    // The low byte of each lane is the code.
    [[gnu::always_inline]] static inline __m512i code(V v) { return _mm512_cvtps_epi32(v); }
};

// Added to a power of two that leaves e4m3's spacing, so that the addition rounds.
struct E4m3 {
    static constexpr float most = 448;
    [[gnu::always_inline]] static inline __m512i code(V v) {
        const __m512i bits = Lanes::bits(v), all_but_sign = _mm512_set1_epi32(0x7fffffff);
        const __m512i magnitude = _mm512_and_si512(bits, all_but_sign);
        const __m512i power =
            _mm512_max_epu32(_mm512_and_si512(magnitude, _mm512_set1_epi32(0x7f800000)), _mm512_set1_epi32(121 << 23));
        const __m512i spacing = _mm512_add_epi32(power, _mm512_set1_epi32((20 << 23) + 56));
        const __m512i sum = Lanes::bits(Lanes::add(Lanes::floats(spacing), Lanes::floats(magnitude)));
        const __m512i unsigned_code = _mm512_add_epi32(sum, _mm512_srli_epi32(power, 20));
        return _mm512_or_si512(unsigned_code, _mm512_and_si512(_mm512_srli_epi32(bits, 24), _mm512_set1_epi32(0x80)));
    }
};

// The bytes of 64 elements in order.
__m512i packed(__m512i even, __m512i odd, __m512i later_even, __m512i later_odd) {
    const __m512i byte = _mm512_set1_epi32(0xff), half = _mm512_set1_epi32(0xffff);
    const __m512i low = _mm512_or_si512(_mm512_and_si512(even, byte), _mm512_slli_epi32(odd, 8));
    const __m512i high = _mm512_or_si512(_mm512_and_si512(later_even, byte), _mm512_slli_epi32(later_odd, 8));
    const __m512i words = _mm512_or_si512(_mm512_and_si512(low, half), _mm512_slli_epi32(high, 16));
    alignas(64) static constexpr uint16_t order[32] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                                       1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
    return _mm512_permutexvar_epi16(_mm512_load_si512(order), words);
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
            most[lane] = _mm512_max_ps(most[lane], _mm512_abs_ps(product.even));
            most[lane + 1] = _mm512_max_ps(most[lane + 1], _mm512_abs_ps(product.odd));
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
        const auto codes = [&](const Words &value, const Words &w) {
            const Words product = value.times(w).times({factor, factor});
            return std::pair(Y::code(product.even), Y::code(product.odd));
        };
        const int64_t row_bytes = 2 * norm.hidden;
        const bool prefetch = row + 1 < end && row_bytes >= prefetch_row_min && row_bytes <= prefetch_row_max;
        const int64_t ahead = prefetch ? norm.hidden : 0;
        for (i = 0; i + 64 <= norm.hidden; i += 64) {
            _mm_prefetch(reinterpret_cast<const char *>(x + ahead + i), _MM_HINT_T1);
            _mm_prefetch(reinterpret_cast<const char *>(x + ahead + i + 32), _MM_HINT_T1);
            const auto [even, odd] = codes(Words(x + i), Words(weight + i));
            const auto [later_even, later_odd] = codes(Words(x + i + 32), Words(weight + i + 32));
            _mm512_storeu_si512(y + i, packed(even, odd, later_even, later_odd));
        }
        for (; i < norm.hidden; i += 32) {
            const int64_t n = norm.hidden - i < 32 ? norm.hidden - i : 32;
            const auto [even, odd] = codes(some(x + i, n), some(weight + i, n));
            const __m512i bytes = packed(even, odd, _mm512_setzero_si512(), _mm512_setzero_si512());
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
