// SPDX-License-Identifier: MIT
// The hand-written kernels, for one instruction set: what a good engineer would write instead of using Norma, with the
// best algorithm that we know, within the accuracy of Norma's kernels. One sweep over a row sums its values and
// squares; a second one normalizes several rows together, which share what is loaded and widened of weight and bias.
// Included like copy_loops.h.
#pragma once

#include <immintrin.h>
#include <string.h>

#include "loops.h"

namespace norma::bench {
namespace {

using V = Lanes::V;

constexpr int chains = 4;                   // of dependent additions: so many vectors hold a sum
constexpr int64_t line = 64;                // bytes of one of the cache
constexpr int64_t flight_bytes = 24 << 10;  // of rows in flight: more would not stay in the first level

// Below, the hardware's own prefetching does as well; above, the next row would push this one out of the second level.
constexpr int64_t prefetch_row_min = 2 << 10;
constexpr int64_t prefetch_row_max = 256 << 10;

// How elements of a type lie in vectors. A block is what a vector of them widens to: one vector of fp32, or two.

template <class T_, int vectors_>
struct Element {
    using T = T_;
    using Vectors = Lanes;  // as a name that depends on the type, for what not all have
    static constexpr int vectors = vectors_;
    static constexpr int block = vectors * Lanes::width;
    static constexpr int terms = vectors;        // vectors that a block adds to each sum
    static int64_t element(int k) { return k; }  // of a block, where its vectors have the k-th lane
};

struct F32 : Element<float, 1> {
    [[gnu::always_inline]] static inline void widen(const T *p, V (&v)[1]) { v[0] = Lanes::load(p); }
    [[gnu::always_inline]] static inline V pack(const V (&v)[1]) { return v[0]; }
    static int64_t lanes_of(int64_t n, int) { return n; }  // in vector v, of the first n elements
};

// By pairs: even and odd elements.
struct Bf16 : Element<uint16_t, 2> {
    static constexpr int terms = Lanes::dot_bf16 ? 1 : 2;
    [[gnu::always_inline]] static inline void widen(const T *p, V (&v)[2]) {
        const V words = Lanes::load(p);
        v[0] = Lanes::even(words);
        v[1] = Lanes::odd(words);
    }
    [[gnu::always_inline]] static inline V pack(const V (&v)[2]) { return Lanes::pack_bf16(v[0], v[1]); }
    static int64_t lanes_of(int64_t n, int v) { return (n + 1 - v) / 2; }
    static int64_t element(int k) { return k % Lanes::width * 2 + k / Lanes::width; }
};

struct F16 : Element<uint16_t, 2> {
    [[gnu::always_inline]] static inline void widen(const T *p, V (&v)[2]) {
        v[0] = Lanes::from_f16(p);
        v[1] = Lanes::from_f16(p + Lanes::width);
    }
    [[gnu::always_inline]] static inline V pack(const V (&v)[2]) { return Lanes::pack_f16(v[0], v[1]); }
    static int64_t lanes_of(int64_t n, int v) { return n - v * Lanes::width; }
};

// A block of which fewer elements are there, the others 0.
template <class E>
struct Partial {
    typename E::T at[E::block] = {};
    Partial() = default;
    Partial(const typename E::T *p, int64_t n) { memcpy(at, p, static_cast<size_t>(n) * sizeof *at); }
};

// Adds the terms of the block at p, of which n elements are there, to sums[..][lane] and those after it.

template <class E, bool values>
struct Moments {
    static constexpr int sums = values ? 2 : 1, terms = E::terms;

    [[gnu::always_inline]] inline void operator()(V (&s)[sums][chains], int lane, const typename E::T *p,
                                                  int64_t) const {
        if constexpr (terms < E::vectors) {
            const V x = Lanes::load(p);
            s[0][lane] = E::Vectors::dot(s[0][lane], x, x);
            if (values) {
                s[sums - 1][lane] = E::Vectors::dot(s[sums - 1][lane], x, E::Vectors::ones_bf16());
            }
        } else {
            V x[E::vectors];
            E::widen(p, x);
            for (int v = 0; v < E::vectors; v++) {
                s[0][lane + v] = Lanes::fma(x[v], x[v], s[0][lane + v]);
                if (values) {
                    s[sums - 1][lane + v] = Lanes::add(s[sums - 1][lane + v], x[v]);
                }
            }
        }
    }
};

template <class E>
struct CentredMoments {
    static constexpr int sums = 2, terms = E::vectors;
    V mean;

    [[gnu::always_inline]] inline void operator()(V (&s)[sums][chains], int lane, const typename E::T *p,
                                                  int64_t n) const {
        V x[E::vectors];
        E::widen(p, x);
        for (int v = 0; v < E::vectors; v++) {
            const V centred = Lanes::first(Lanes::sub(x[v], mean), E::lanes_of(n, v));
            s[0][lane + v] = Lanes::fma(centred, centred, s[0][lane + v]);
            s[1][lane + v] = Lanes::add(s[1][lane + v], centred);
        }
    }
};

// The sums over a row, each in one vector. Sums of chunks are added up, so that the rounding error does not grow with
// hidden.
template <class E, class Add>
[[gnu::always_inline]] inline void sweep(const typename E::T *x, int64_t hidden, V (&total)[Add::sums],
                                         const Add &add) {
    constexpr int blocks = chains / Add::terms;
    constexpr int64_t stride = blocks * E::block, chunk = 16 * stride;
    for (V &t : total) {
        t = Lanes::zero();
    }
    for (int64_t begin = 0; begin < hidden; begin += chunk) {
        const int64_t end = begin + chunk < hidden ? begin + chunk : hidden;
        V s[Add::sums][chains];
        for (auto &sum : s) {
            for (V &v : sum) {
                v = Lanes::zero();
            }
        }
        int64_t i = begin;
        for (; i + stride <= end; i += stride) {
#pragma GCC unroll 4
            for (int b = 0; b < blocks; b++) {
                add(s, b * Add::terms, x + i + b * E::block, E::block);
            }
        }
        for (; i + E::block <= end; i += E::block) {
            add(s, 0, x + i, E::block);
        }
        if (i < end) {
            const Partial<E> rest(x + i, end - i);
            add(s, 0, rest.at, end - i);
        }
        for (int k = 0; k < Add::sums; k++) {
            total[k] = Lanes::add(total[k], Lanes::add(Lanes::add(s[k][0], s[k][1]), Lanes::add(s[k][2], s[k][3])));
        }
    }
}

// What a row becomes: y = (x * scale + shift) * weight + bias.
template <bool has_shift, bool has_bias>
struct Affine {
    V scale, shift;

    [[gnu::always_inline]] inline V operator()(V x, V weight, V bias) const {
        const V normalized = has_shift ? Lanes::fma(x, scale, shift) : Lanes::mul(x, scale);
        return has_bias ? Lanes::fma(normalized, weight, bias) : Lanes::mul(normalized, weight);
    }
};

// Of rows far from 0: x - mean is exact or nearly, and `missed` is what the rounding of the mean has left.
template <bool has_bias>
struct CentredAffine {
    V mean, missed, scale;

    [[gnu::always_inline]] inline V operator()(V x, V weight, V bias) const {
        const V normalized = Lanes::mul(Lanes::sub(Lanes::sub(x, mean), missed), scale);
        return has_bias ? Lanes::fma(normalized, weight, bias) : Lanes::mul(normalized, weight);
    }
};

template <class E, bool has_bias, bool streaming, int rows, class Function>
[[gnu::always_inline]] inline void normalize_block(const typename E::T *x, const typename E::T *weight,
                                                   const typename E::T *bias, typename E::T *y, int64_t row_stride,
                                                   const Function (&of_row)[rows]) {
    V w[E::vectors], b[E::vectors] = {};
    E::widen(weight, w);
    if (has_bias) {
        E::widen(bias, b);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        V v[E::vectors];
        E::widen(x + r * row_stride, v);
        for (int k = 0; k < E::vectors; k++) {
            v[k] = of_row[r](v[k], w[k], b[k]);
        }
        Lanes::template store<streaming>(y + r * row_stride, E::pack(v));
    }
}

// Meanwhile fetches what lies `ahead` elements behind, if stores are streaming; 0 for nothing.
template <class E, bool has_bias, bool streaming, int rows, class Function>
[[gnu::always_inline]] inline void normalize_rows(const Norm &norm, const typename E::T *x, typename E::T *y,
                                                  int64_t ahead, const Function (&of_row)[rows]) {
    using T = typename E::T;
    constexpr int64_t of_line = line / sizeof(T);
    const T *const weight = static_cast<const T *>(norm.weight), *const bias = static_cast<const T *>(norm.bias);
    const int64_t hidden = norm.hidden;
    int64_t i = 0;
    for (; i + of_line <= hidden; i += of_line) {
        for (int r = 0; streaming && r < rows; r++) {
            _mm_prefetch(reinterpret_cast<const char *>(x + r * hidden + ahead + i), _MM_HINT_T1);
        }
#pragma GCC unroll 2
        for (int64_t at = i; at < i + of_line; at += E::block) {
            normalize_block<E, has_bias, streaming>(x + at, weight + at, bias + at, y + at, hidden, of_row);
        }
    }
    for (; i < hidden; i += E::block) {
        const int64_t n = hidden - i < E::block ? hidden - i : E::block;
        const Partial<E> w(weight + i, n), b = has_bias ? Partial<E>(bias + i, n) : Partial<E>();
        for (int r = 0; r < rows; r++) {
            const Partial<E> from(x + r * hidden + i, n);
            Partial<E> to;
            normalize_block<E, has_bias, false, 1>(from.at, w.at, b.at, to.at, 0, {of_row[r]});
            memcpy(y + r * hidden + i, to.at, static_cast<size_t>(n) * sizeof(T));
        }
    }
}

float rstd_of(float variance, float eps) { return 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + eps))); }

// A LayerNorm row whose mean exceeds twice its deviation: a second sweep, around the mean.
template <class E, bool has_bias>
__attribute__((noinline)) void normalize_centred(const Norm &norm, const typename E::T *x, typename E::T *y,
                                                 float rounded_mean) {
    const float hidden = static_cast<float>(norm.hidden);
    const V mean = Lanes::all(rounded_mean);
    V total[2];
    sweep<E>(x, norm.hidden, total, CentredMoments<E>{mean});
    alignas(16) float sums[4];
    _mm_store_ps(sums, Lanes::totals(total[0], total[1], Lanes::zero(), Lanes::zero()));
    const float missed = sums[1] / hidden;
    const float rstd = rstd_of(sums[0] / hidden - missed * missed, norm.eps);
    const CentredAffine<has_bias> of_row[1] = {{mean, Lanes::all(missed), Lanes::all(rstd)}};
    normalize_rows<E, has_bias, false>(norm, x, y, 0, of_row);
}

template <class E, bool layer, bool has_bias, bool streaming, int rows>
[[gnu::always_inline]] inline void normalize(const Norm &norm, const typename E::T *x, typename E::T *y,
                                             int64_t ahead) {
    V squares[4], values[4];  // of the rows
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        squares[r] = values[r] = Lanes::zero();
        if (r < rows) {
            V total[layer ? 2 : 1];
            sweep<E>(x + r * norm.hidden, norm.hidden, total, Moments<E, layer>());
            squares[r] = total[0];
            values[r] = total[layer];
        }
    }
    const __m128 hidden = _mm_set1_ps(static_cast<float>(norm.hidden));
    __m128 variance = _mm_div_ps(Lanes::totals(squares[0], squares[1], squares[2], squares[3]), hidden);
    alignas(16) float mean[4], scale[4], shift[4];
    int far = 0;
    if (layer) {
        const __m128 means = _mm_div_ps(Lanes::totals(values[0], values[1], values[2], values[3]), hidden);
        const __m128 square = _mm_mul_ps(means, means);
        variance = _mm_sub_ps(variance, square);
        far = _mm_movemask_ps(_mm_cmpnle_ps(square, _mm_mul_ps(_mm_set1_ps(4), variance))) & ((1 << rows) - 1);
        _mm_store_ps(mean, means);
    }
    const __m128 rstd = _mm_div_ps(_mm_set1_ps(1), _mm_sqrt_ps(_mm_add_ps(variance, _mm_set1_ps(norm.eps))));
    _mm_store_ps(scale, rstd);
    if (layer) {
        _mm_store_ps(shift, _mm_mul_ps(_mm_load_ps(mean), _mm_sub_ps(_mm_setzero_ps(), rstd)));
    }
    Affine<layer, has_bias> of_row[rows];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        of_row[r].scale = Lanes::all(scale[r]);
        of_row[r].shift = layer ? Lanes::all(shift[r]) : Lanes::zero();
    }
    if constexpr (E::vectors == 1 && !streaming) {  // has nothing to widen, and loads fewer streams at once
        for (int r = 0; r < rows; r++) {
            const Affine<layer, has_bias> one[1] = {of_row[r]};
            normalize_rows<E, has_bias, streaming>(norm, x + r * norm.hidden, y + r * norm.hidden, 0, one);
        }
    } else {
        normalize_rows<E, has_bias, streaming>(norm, x, y, ahead, of_row);
    }
    for (int r = 0; far != 0 && r < rows; r++) {
        if (far >> r & 1) {
            normalize_centred<E, has_bias>(norm, x + r * norm.hidden, y + r * norm.hidden, mean[r]);
        }
    }
}

// Rows from the first of `left` on, `rows` at a time as long as they fit the first level. Nothing is fetched beyond the
// last row.
template <class E, bool layer, bool has_bias, bool streaming, int rows>
[[gnu::always_inline]] inline void normalize_flights(const Norm &norm, const typename E::T *&x, typename E::T *&y,
                                                     int64_t &left) {
    const int64_t row_bytes = norm.hidden * static_cast<int64_t>(sizeof *x), flight = rows * norm.hidden;
    const bool fits = rows == 1 || rows * row_bytes <= flight_bytes;
    const bool prefetch = row_bytes >= prefetch_row_min && row_bytes <= prefetch_row_max;
    for (; fits && left >= rows; left -= rows, x += flight, y += flight) {
        normalize<E, layer, has_bias, streaming, rows>(norm, x, y, prefetch && left >= 2 * rows ? flight : 0);
    }
    if constexpr (rows > 1) {
        normalize_flights<E, layer, has_bias, streaming, rows / 2>(norm, x, y, left);
    }
}

template <class E, bool layer, bool has_bias, bool streaming>
void normalize_range(const Norm &given, int64_t begin, int64_t end) {
    using T = typename E::T;
    const Norm norm = given;  // a copy that stores to y cannot alias
    const T *x = static_cast<const T *>(norm.x) + begin * norm.hidden;
    T *y = static_cast<T *>(norm.y) + begin * norm.hidden;
    int64_t left = end - begin;
    normalize_flights<E, layer, has_bias, streaming, Lanes::rows_in_flight>(norm, x, y, left);
    if (streaming) {
        Lanes::fence();
    }
}

// Streaming stores need aligned rows; rows that are not get ordinary stores.
template <class E>
bool streams(const void *rows, int64_t hidden, Store store) {
    const int64_t row_bytes = hidden * static_cast<int64_t>(sizeof(typename E::T));
    return store == Store::streaming && reinterpret_cast<uintptr_t>(rows) % line == 0 && row_bytes % line == 0;
}

// What `with` returns for the elements of a type; null for a type that has no yardstick.
template <class Loop, class With>
Loop by_element(norma_dtype dtype, const With &with) {
    switch (dtype) {
        case NORMA_F32: return with(F32());
        case NORMA_BF16: return with(Bf16());
        case NORMA_F16: return with(F16());
        default: return nullptr;
    }
}

template <class E, bool layer, bool has_bias>
NormLoop stored_loop(const Norm &norm, Store store) {
    return streams<E>(norm.y, norm.hidden, store) ? normalize_range<E, layer, has_bias, true>
                                                  : normalize_range<E, layer, has_bias, false>;
}

template <class E>
NormLoop typed_loop(const Norm &norm, Store store) {
    switch (norm.op) {
        case NORMA_LAYER_NORM_FORWARD:
            return norm.bias ? stored_loop<E, true, true>(norm, store) : stored_loop<E, true, false>(norm, store);
        case NORMA_RMS_NORM_FORWARD:
            return norm.bias ? stored_loop<E, false, true>(norm, store) : stored_loop<E, false, false>(norm, store);
        default: return nullptr;
    }
}

NormLoop forward_loop(const Norm &norm, Store store) {
    return by_element<NormLoop>(norm.dtype, [&](auto e) { return typed_loop<decltype(e)>(norm, store); });
}

}  // namespace
}  // namespace norma::bench
