// SPDX-License-Identifier: MIT
// The hand-written backwards, for one instruction set. A row is swept for the sums that its dx needs; then some rows
// together, while they are in the cache, for dx and the sums of columns, which stay in registers meanwhile. Included
// after yardstick_loops.h.
#pragma once

#include "yardstick_loops.h"

namespace norma::bench {
namespace {

constexpr int64_t rows_of_chunk = 64;  // summed in fp32: what they round away does not grow with the rows

// Of a block at some column of a row: the normalized elements, and dy with and without the weight.
template <class E, bool layer>
struct BackwardTerms {
    V n[E::vectors], dy[E::vectors], g[E::vectors];

    [[gnu::always_inline]] inline BackwardTerms(const typename E::T *x_at, const typename E::T *dy_at,
                                                const V (&weight)[E::vectors], V mean, V rstd) {
        E::widen(x_at, n);
        E::widen(dy_at, dy);
        for (int v = 0; v < E::vectors; v++) {
            n[v] = Lanes::mul(layer ? Lanes::sub(n[v], mean) : n[v], rstd);
            g[v] = Lanes::mul(dy[v], weight[v]);
        }
    }
};

struct RowFactors {
    V mean, rstd, mean_g, mean_gn;
};

template <class E, bool layer>
[[gnu::always_inline]] inline RowFactors row_factors(const Backward &b, const typename E::T *x, const typename E::T *dy,
                                                     int64_t row) {
    constexpr int blocks = chains / E::vectors;
    const typename E::T *const weight = static_cast<const typename E::T *>(b.weight);
    const V mean = Lanes::all(layer ? b.mean[row] : 0), rstd = Lanes::all(b.rstd[row]);
    V of_g[chains], of_gn[chains];
    for (int c = 0; c < chains; c++) {
        of_g[c] = of_gn[c] = Lanes::zero();
    }
    const auto add = [&](int lane, const typename E::T *x_at, const typename E::T *dy_at, const typename E::T *w_at) {
        V w[E::vectors];
        E::widen(w_at, w);
        const BackwardTerms<E, layer> terms(x_at, dy_at, w, mean, rstd);
        for (int v = 0; v < E::vectors; v++) {
            of_g[lane + v] = layer ? Lanes::add(of_g[lane + v], terms.g[v]) : of_g[lane + v];
            of_gn[lane + v] = Lanes::fma(terms.g[v], terms.n[v], of_gn[lane + v]);
        }
    };
    int64_t i = 0;
    for (; i + blocks * E::block <= b.hidden; i += blocks * E::block) {
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) {
            const int64_t at = i + k * E::block;
            add(k * E::vectors, x + at, dy + at, weight + at);
        }
    }
    for (; i < b.hidden; i += E::block) {
        const int64_t n = b.hidden - i < E::block ? b.hidden - i : E::block;
        const Partial<E> x_rest(x + i, n), dy_rest(dy + i, n), w_rest(weight + i, n);  // of zeros a dy of 0 is left
        add(0, x_rest.at, dy_rest.at, w_rest.at);
    }
    const auto joined = [](const V(&s)[chains]) { return Lanes::add(Lanes::add(s[0], s[1]), Lanes::add(s[2], s[3])); };
    alignas(16) float sums[4];
    _mm_store_ps(sums, _mm_div_ps(Lanes::totals(joined(of_g), joined(of_gn), Lanes::zero(), Lanes::zero()),
                                  _mm_set1_ps(static_cast<float>(b.hidden))));
    return {mean, rstd, Lanes::all(sums[0]), Lanes::all(sums[1])};
}

// dx of a block of columns in some rows, and what the rows add to the columns' sums, which are E::block numbers each in
// the order of E's vectors.
template <class E, bool layer, bool streaming, int rows>
[[gnu::always_inline]] inline void backward_block(const typename E::T *x, const typename E::T *dy,
                                                  const typename E::T *weight, typename E::T *dx, int64_t row_stride,
                                                  const RowFactors (&of_row)[rows], float *dweight, float *dbias) {
    V w[E::vectors], to_weight[E::vectors], to_bias[E::vectors];
    E::widen(weight, w);
    for (int v = 0; v < E::vectors; v++) {
        to_weight[v] = Lanes::load(dweight + v * Lanes::width);
        to_bias[v] = layer ? Lanes::load(dbias + v * Lanes::width) : Lanes::zero();
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        const RowFactors &f = of_row[r];
        const BackwardTerms<E, layer> terms(x + r * row_stride, dy + r * row_stride, w, f.mean, f.rstd);
        V result[E::vectors];
        for (int v = 0; v < E::vectors; v++) {
            to_weight[v] = Lanes::fma(terms.dy[v], terms.n[v], to_weight[v]);
            to_bias[v] = layer ? Lanes::add(to_bias[v], terms.dy[v]) : to_bias[v];
            const V g = layer ? Lanes::sub(terms.g[v], f.mean_g) : terms.g[v];
            result[v] = Lanes::mul(Lanes::sub(g, Lanes::mul(terms.n[v], f.mean_gn)), f.rstd);
        }
        Lanes::template store<streaming>(dx + r * row_stride, E::pack(result));
    }
    for (int v = 0; v < E::vectors; v++) {
        Lanes::template store<false>(dweight + v * Lanes::width, to_weight[v]);
        if (layer) {
            Lanes::template store<false>(dbias + v * Lanes::width, to_bias[v]);
        }
    }
}

template <class E, bool layer, bool streaming, int rows>
[[gnu::always_inline]] inline void backward_rows(const Backward &b, int64_t row, const ColumnSums &sums) {
    using T = typename E::T;
    const T *const x = static_cast<const T *>(b.x) + row * b.hidden,
                   *const dy = static_cast<const T *>(b.dy) + row * b.hidden,
                   *const weight = static_cast<const T *>(b.weight);
    T *const dx = static_cast<T *>(b.dx) + row * b.hidden;
    RowFactors of_row[rows];
    for (int r = 0; r < rows; r++) {
        of_row[r] = row_factors<E, layer>(b, x + r * b.hidden, dy + r * b.hidden, row + r);
    }
    int64_t i = 0;
    for (; i + E::block <= b.hidden; i += E::block) {
        backward_block<E, layer, streaming>(x + i, dy + i, weight + i, dx + i, b.hidden, of_row, sums.dweight + i,
                                            sums.dbias + i);
    }
    if (const int64_t n = b.hidden - i; n > 0) {
        const Partial<E> w(weight + i, n);
        for (int r = 0; r < rows; r++) {
            const Partial<E> x_rest(x + r * b.hidden + i, n), dy_rest(dy + r * b.hidden + i, n);
            Partial<E> to;
            backward_block<E, layer, false, 1>(x_rest.at, dy_rest.at, w.at, to.at, 0, {of_row[r]}, sums.dweight + i,
                                               sums.dbias + i);
            memcpy(dx + r * b.hidden + i, to.at, static_cast<size_t>(n) * sizeof(T));
        }
    }
}

// Ends a chunk: its sums, of elements in the order of the vectors of a block, join the totals.
template <class E, bool layer>
void end_chunk(const Backward &b, const ColumnSums &sums) {
    for (int64_t i = 0; i < sums.padded; i++) {
        const int64_t d = i / E::block * E::block + E::element(static_cast<int>(i % E::block));
        if (d < b.hidden) {
            sums.total_dweight[d] += static_cast<double>(sums.dweight[i]);
            if (layer) {
                sums.total_dbias[d] += static_cast<double>(sums.dbias[i]);
            }
        }
        sums.dweight[i] = sums.dbias[i] = 0;
    }
}

template <class E, bool layer, bool streaming>
void backward_range(const Backward &given, int64_t begin, int64_t end, const ColumnSums &sums) {
    const Backward b = given;
    const int64_t row_bytes = b.hidden * static_cast<int64_t>(sizeof(typename E::T));
    const bool four = Lanes::rows_in_flight >= 4 && 8 * row_bytes <= flight_bytes;
    for (int64_t chunk = begin; chunk < end; chunk += rows_of_chunk) {
        const int64_t last = chunk + rows_of_chunk < end ? chunk + rows_of_chunk : end;
        int64_t row = chunk;
        for (; four && row + 4 <= last; row += 4) {
            backward_rows<E, layer, streaming, 4>(b, row, sums);
        }
        for (; row + 2 <= last; row += 2) {
            backward_rows<E, layer, streaming, 2>(b, row, sums);
        }
        for (; row < last; row++) {
            backward_rows<E, layer, streaming, 1>(b, row, sums);
        }
        end_chunk<E, layer>(b, sums);
    }
    if (streaming) {
        Lanes::fence();
    }
}

template <class E>
BackwardLoop backward_of(const Backward &b, Store store) {
    const bool streaming = streams<E>(b.dx, b.hidden, store);
    switch (b.op) {
        case NORMA_LAYER_NORM_BACKWARD:
            return streaming ? backward_range<E, true, true> : backward_range<E, true, false>;
        case NORMA_RMS_NORM_BACKWARD:
            return streaming ? backward_range<E, false, true> : backward_range<E, false, false>;
        default: return nullptr;
    }
}

BackwardLoop backward_loop(const Backward &b, Store store) {
    return by_element<BackwardLoop>(b.dtype, [&](auto e) { return backward_of<decltype(e)>(b, store); });
}

}  // namespace
}  // namespace norma::bench
