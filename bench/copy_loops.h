// SPDX-License-Identifier: MIT
// The copies, for one instruction set. Included by avx512.cpp and its siblings after their Lanes; no standard headers
// that define functions, since the linker could then pick one compiled for an instruction set that this CPU lacks.
#pragma once

#include "loops.h"

namespace norma::bench {
namespace {

// A step reads or writes one vector of each stream of bytes, two of 16-bit and four of 32-bit ones, in the order of
// their addresses.
constexpr int64_t step = Lanes::bytes;

// Without a residual, y = x where the sizes agree. Else whatever keeps every load alive costs least.
template <int x_size, int residual_size, int residual_out_size, int y_size, bool streaming>
void copy_range(const Streams &s, int64_t begin, int64_t end) {
    const char *x = static_cast<const char *>(s.x);
    const char *residual = static_cast<const char *>(s.residual);
    char *y = static_cast<char *>(s.y);
    char *residual_out = static_cast<char *>(s.residual_out);
    constexpr int read = x_size > residual_size ? x_size : residual_size;
    int64_t i = begin;
    for (; i + step <= end; i += step) {
        typename Lanes::V sum[4], other[4];
#pragma GCC unroll 4
        for (int h = 0; h < 4; h++) {
            sum[h] = h < x_size ? Lanes::load(x + i * x_size + h * Lanes::bytes) : sum[h % x_size];
            if (residual_size != 0) {
                other[h] = h < residual_size ? Lanes::load(residual + i * residual_size + h * Lanes::bytes)
                                             : other[h % residual_size];
                sum[h] = Lanes::combine(sum[h], other[h]);
            }
        }
#pragma GCC unroll 4
        for (int h = y_size; h < read; h++) {
            sum[h % y_size] = Lanes::combine(sum[h % y_size], sum[h]);
        }
#pragma GCC unroll 4
        for (int h = 0; h < 4; h++) {
            if (h < y_size) {
                Lanes::template store<streaming>(y + i * y_size + h * Lanes::bytes, sum[h]);
            }
            if (h < residual_out_size) {
                Lanes::template store<streaming>(residual_out + i * residual_size + h * Lanes::bytes, other[h]);
            }
        }
    }
    for (int64_t b = i * y_size; b < end * y_size; b++) {
        y[b] = x[b / y_size * x_size + b % y_size % x_size];
    }
    for (int64_t b = i * residual_out_size; b < end * residual_out_size; b++) {
        residual_out[b] = residual[b];
    }
    if (streaming) {
        Lanes::fence();
    }
}

template <int x_size, int residual_size, int residual_out_size, int y_size>
CopyLoop copy_stored(Store store) {
    return store == Store::streaming ? copy_range<x_size, residual_size, residual_out_size, y_size, true>
                                     : copy_range<x_size, residual_size, residual_out_size, y_size, false>;
}

template <int x_size, int y_size>
CopyLoop copy_with_residual(const Streams &s, Store store) {
    switch (s.residual_size) {
        case 0: return copy_stored<x_size, 0, 0, y_size>(store);
        case 2:
            return s.residual_out ? copy_stored<x_size, 2, 2, y_size>(store) : copy_stored<x_size, 2, 0, y_size>(store);
        case 4:
            return s.residual_out ? copy_stored<x_size, 4, 4, y_size>(store) : copy_stored<x_size, 4, 0, y_size>(store);
        default: return nullptr;
    }
}

template <int x_size>
CopyLoop copy_from(const Streams &s, Store store) {
    switch (s.y_size) {
        case 1: return copy_with_residual<x_size, 1>(s, store);
        case 2: return copy_with_residual<x_size, 2>(s, store);
        case 4: return copy_with_residual<x_size, 4>(s, store);
        default: return nullptr;
    }
}

CopyLoop copy_loop(const Streams &s, Store store) {
    switch (s.x_size) {
        case 1: return copy_from<1>(s, store);
        case 2: return copy_from<2>(s, store);
        case 4: return copy_from<4>(s, store);
        default: return nullptr;
    }
}

}  // namespace
}  // namespace norma::bench
