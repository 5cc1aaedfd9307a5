// SPDX-License-Identifier: MIT
// The hand-written kernels, for one instruction set: what a good engineer would write instead of using Norma. Same
// algorithm and accuracy: fp32, 64 accumulator lanes, sums in chunks, the LayerNorm mean corrected.
// Included like copy_loops.h.
#pragma once

#include <immintrin.h>

#include "loops.h"

namespace norma::bench {
namespace {

constexpr int lanes = 64;
constexpr int vectors = lanes / Lanes::width;
constexpr int64_t line = 16;           // elements of a cache line
constexpr int64_t chunk = 64 * lanes;  // more terms than this in one lane would let the error grow with hidden

// Below, the hardware's own prefetching does as well; above, the next row would push this one out of the second level.
constexpr int64_t prefetch_row_min = 2 << 10;
constexpr int64_t prefetch_row_max = 256 << 10;

using V = Lanes::V;

struct LaneSum {
    V lane[vectors];

    void clear() {
#pragma GCC unroll 8
        for (V &v : lane) {
            v = Lanes::zero();
        }
    }
    void add(const LaneSum &other) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            lane[v] = Lanes::add(lane[v], other.lane[v]);
        }
    }
    float total() {
#pragma GCC unroll 3
        for (int n = vectors / 2; n > 0; n /= 2) {
#pragma GCC unroll 4
            for (int v = 0; v < n; v++) {
                lane[v] = Lanes::add(lane[v], lane[v + n]);
            }
        }
        return Lanes::sum(lane[0]);
    }
};

// Sums over a row: accumulate(sums, v, x) adds the terms of the elements x to lane group v; with a mask, of those in
// it. Sums of chunks are added up, so that the rounding error does not grow with hidden.
template <int sums, class F>
__attribute__((always_inline)) inline void reduce(const float *x, int64_t hidden, float (&totals)[sums], F accumulate) {
    LaneSum outer[sums];
    for (int64_t begin = 0;;) {
        const int64_t end = begin + chunk < hidden ? begin + chunk : hidden;
        LaneSum inner[sums];
        for (LaneSum &s : inner) {
            s.clear();
        }
        int64_t i = begin;
        for (; i + lanes <= end; i += lanes) {
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) {
                accumulate(inner, v, Lanes::load(x + i + v * Lanes::width));
            }
        }
        if (i < end) {
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) {
                const int64_t left = end - i - v * Lanes::width;
                const Lanes::Mask m = Lanes::first(left < 0 ? 0 : left > Lanes::width ? Lanes::width : left);
                accumulate(inner, v, Lanes::load(x + i + v * Lanes::width, m), m);
            }
        }
#pragma GCC unroll 2
        for (int s = 0; s < sums; s++) {
            if (begin == 0) {
                outer[s] = inner[s];
            } else {
                outer[s].add(inner[s]);
            }
        }
        begin = end;
        if (begin >= hidden) {
            break;
        }
    }
#pragma GCC unroll 2
    for (int s = 0; s < sums; s++) {
        totals[s] = outer[s].total();
    }
}

struct Squares {
    void operator()(LaneSum (&s)[1], int v, V x) const { s[0].lane[v] = Lanes::fma(x, x, s[0].lane[v]); }
    void operator()(LaneSum (&s)[1], int v, V x, Lanes::Mask) const { (*this)(s, v, x); }
};

struct Values {
    void operator()(LaneSum (&s)[1], int v, V x) const { s[0].lane[v] = Lanes::add(s[0].lane[v], x); }
    void operator()(LaneSum (&s)[1], int v, V x, Lanes::Mask) const { (*this)(s, v, x); }
};

struct Centred {
    V mean;
    static void term(LaneSum (&s)[2], int v, V c) {
        s[0].lane[v] = Lanes::add(s[0].lane[v], c);
        s[1].lane[v] = Lanes::fma(c, c, s[1].lane[v]);
    }
    void operator()(LaneSum (&s)[2], int v, V x) const { term(s, v, Lanes::sub(x, mean)); }
    void operator()(LaneSum (&s)[2], int v, V x, Lanes::Mask m) const {
        term(s, v, Lanes::keep(m, Lanes::sub(x, mean)));
    }
};

float rstd_of(float variance, float eps) { return 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + eps))); }

struct RmsNorm {
    static constexpr bool has_bias = false;
    V rstd;

    __attribute__((always_inline)) inline RmsNorm(const Norm &norm, const float *x) {
        float squares[1];
        reduce(x, norm.hidden, squares, Squares());
        rstd = Lanes::all(rstd_of(squares[0] / static_cast<float>(norm.hidden), norm.eps));
    }
    V operator()(V x, V weight, V) const { return Lanes::mul(Lanes::mul(x, rstd), weight); }
};

struct LayerNorm {
    static constexpr bool has_bias = true;
    V mean, missed, rstd;

    // The fp32 mean is rounded: what it missed is the mean of x - mean, and is taken off again.
    __attribute__((always_inline)) inline LayerNorm(const Norm &norm, const float *x) {
        const float hidden = static_cast<float>(norm.hidden);
        float sum[1], centred[2];
        reduce(x, norm.hidden, sum, Values());
        mean = Lanes::all(sum[0] / hidden);
        reduce(x, norm.hidden, centred, Centred{mean});
        const float rest = centred[0] / hidden;
        missed = Lanes::all(rest);
        rstd = Lanes::all(rstd_of(centred[1] / hidden - rest * rest, norm.eps));
    }
    V operator()(V x, V weight, V bias) const {
        return Lanes::fma(Lanes::mul(Lanes::sub(Lanes::sub(x, mean), missed), rstd), weight, bias);
    }
};

template <class Op, bool streaming, bool prefetch>
__attribute__((always_inline)) inline void normalize_row(const Norm &norm, const float *x, float *y) {
    const Op op(norm, x);
    const float *next = x + norm.hidden;
    int64_t i = 0;
    for (; i + lanes <= norm.hidden; i += lanes) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            const int64_t at = i + v * Lanes::width;
            if (prefetch && at % line == 0) {
                _mm_prefetch(reinterpret_cast<const char *>(next + at), _MM_HINT_T1);
            }
            const V bias = Op::has_bias ? Lanes::load(norm.bias + at) : Lanes::zero();
            Lanes::template store<streaming>(y + at, op(Lanes::load(x + at), Lanes::load(norm.weight + at), bias));
        }
    }
    for (; i < norm.hidden; i += Lanes::width) {
        const Lanes::Mask m = Lanes::first(norm.hidden - i < Lanes::width ? norm.hidden - i : Lanes::width);
        const V bias = Op::has_bias ? Lanes::load(norm.bias + i, m) : Lanes::zero();
        Lanes::store(y + i, m, op(Lanes::load(x + i, m), Lanes::load(norm.weight + i, m), bias));
    }
}

template <class Op, bool streaming, bool prefetch>
void normalize_range(const Norm &given, int64_t begin, int64_t end) {
    const Norm norm = given;  // a copy that stores to y cannot alias
    for (int64_t row = begin; row < end - prefetch; row++) {
        normalize_row<Op, streaming, prefetch>(norm, norm.x + row * norm.hidden, norm.y + row * norm.hidden);
    }
    if (prefetch && begin < end) {
        normalize_range<Op, streaming, false>(norm, end - 1, end);
    }
}

// Streaming stores need aligned rows; rows that are not get ordinary stores.
template <class Op, Store store>
void normalize(const Norm &norm, int64_t begin, int64_t end) {
    const int64_t row_bytes = norm.hidden * static_cast<int64_t>(sizeof(float));
    const bool aligned = reinterpret_cast<uintptr_t>(norm.y) % 64 == 0 && row_bytes % 64 == 0;
    if (store == Store::ordinary || !aligned) {
        normalize_range<Op, false, false>(norm, begin, end);
        return;
    }
    if (row_bytes >= prefetch_row_min && row_bytes <= prefetch_row_max) {
        normalize_range<Op, true, true>(norm, begin, end);
    } else {
        normalize_range<Op, true, false>(norm, begin, end);
    }
    Lanes::fence();
}

template <class Op>
NormLoop norm_loop(Store store) {
    return store == Store::streaming ? normalize<Op, Store::streaming> : normalize<Op, Store::ordinary>;
}

}  // namespace
}  // namespace norma::bench
