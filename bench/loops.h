// SPDX-License-Identifier: MIT
// What each instruction set provides: serial loops over a range of elements (copies) or rows (yardsticks).
#pragma once

#include <norma/norma.h>
#include <stdint.h>

namespace norma::bench {

enum class Store { ordinary, streaming };

// The traffic of an op over contiguous activations: one or two streams read, one or two written. residual and
// residual_out may be absent (null, and a size of 0 where both are), or residual_out alone: a backward reads x and dy,
// and writes dx.
struct Streams {
    const void *x;
    const void *residual;
    void *y;
    void *residual_out;
    int x_size, residual_size,
        y_size;  // bytes of an element: 1, 2 or 4, residual's 2 or 4; residual_out has residual's
};

// Reads and writes the elements [begin, end) of every stream; y and residual_out get a combination of what was read.
// Streams and begin * size are aligned to 64 bytes.
using CopyLoop = void (*)(const Streams &streams, int64_t begin, int64_t end);

// A forward of contiguous rows, all of one type. y shares no memory with what is read.
struct Norm {
    norma_op op;
    norma_dtype dtype;
    const void *x, *weight, *bias;  // bias may be null
    void *y;
    int64_t hidden;
    float eps;  // above 0
};

using NormLoop = void (*)(const Norm &norm, int64_t begin_row, int64_t end_row);

// For one instruction set.
struct Loops {
    const char *name;
    bool native_bf16;                                       // bf16 by instructions of its own
    CopyLoop (*copy)(const Streams &streams, Store store);  // returns null for sizes that Streams has not
    NormLoop (*norm)(const Norm &norm, Store store);        // returns null where there is no yardstick
};

extern const Loops avx512_bf16_loops;
extern const Loops avx512_loops;
extern const Loops avx2_loops;
extern const Loops sse2_loops;

// The loops that this CPU runs, the best first, as a list that ends with null.
const Loops *const *runnable_loops();

}  // namespace norma::bench
