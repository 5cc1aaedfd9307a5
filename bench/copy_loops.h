// SPDX-License-Identifier: MIT
// The copies, for one instruction set. Included by avx512.cpp and its siblings after their Lanes; no standard headers
// that define functions, since the linker could then pick one compiled for an instruction set that this CPU lacks.
#pragma once

#include "loops.h"

namespace norma::bench {
namespace {

// A step reads or writes one vector of each 16-bit stream and two of each 32-bit one, in the order of their addresses.
constexpr int64_t step = Lanes::bytes / 2;

// Without a residual, y = x where the sizes agree. Else whatever keeps every load alive costs least.
template <int x_size, int residual_size, int residual_out_size, int y_size, bool streaming>
void copy_range(const Streams &s, int64_t begin, int64_t end) {
    const char *x = static_cast<const char *>(s.x);
    const char *residual = static_cast<const char *>(s.residual);
    char *y = static_cast<char *>(s.y);
    char *residual_out = static_cast<char *>(s.residual_out);
    int64_t i = begin;
#pragma GCC unroll 2
    for (; i + step <= end; i += step) {
        typename Lanes::V sum[2], other[2];
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            sum[h] = h < x_size / 2 ? Lanes::load(x + i * x_size + h * Lanes::bytes) : sum[0];
            if (residual_size != 0) {
                other[h] =
                    h < residual_size / 2 ? Lanes::load(residual + i * residual_size + h * Lanes::bytes) : other[0];
                sum[h] = Lanes::combine(sum[h], other[h]);
            }
        }
        if ((x_size == 4 || residual_size == 4) && y_size == 2) {
            sum[0] = Lanes::combine(sum[0], sum[1]);
        }
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            if (h < y_size / 2) {
                Lanes::template store<streaming>(y + i * y_size + h * Lanes::bytes, sum[h]);
            }
            if (h < residual_out_size / 2) {
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

CopyLoop copy_loop(const Streams &s, Store store) {
    if (s.x_size == 4 && s.y_size == 4) {
        return copy_with_residual<4, 4>(s, store);
    }
    if (s.x_size == 4 && s.y_size == 2) {
        return copy_with_residual<4, 2>(s, store);
    }
    if (s.x_size == 2 && s.y_size == 4) {
        return copy_with_residual<2, 4>(s, store);
    }
    if (s.x_size == 2 && s.y_size == 2) {
        return copy_with_residual<2, 2>(s, store);
    }
    return nullptr;
}

}  // namespace
}  // namespace norma::bench
