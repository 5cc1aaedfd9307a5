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

// A forward of contiguous rows, all of one type but for a quantized y. y shares no memory with what is read.
struct Norm {
    norma_op op;
    norma_dtype dtype;
    const void *x, *weight, *bias;  // bias may be null
    void *y;
    int64_t hidden;
    float eps;                         // above 0
    norma_dtype y_dtype = NORMA_NONE;  // of 8 bits, or that of x
    float *y_scale = nullptr;          // one for each row, where y has 8 bits
};

using NormLoop = void (*)(const Norm &norm, int64_t begin_row, int64_t end_row);

// A backward with saved statistics of contiguous rows, all of one type.
struct Backward {
    norma_op op;
    norma_dtype dtype;
    const void *x, *dy, *weight;
    const float *mean, *rstd;  // mean of layer_norm
    void *dx;
    int64_t hidden;
};

// What a range of rows adds to the gradients: `padded` numbers for a chunk of rows, 0 before and after, and `hidden`
// for all of them. dbias and its total are used by layer_norm.
struct ColumnSums {
    float *dweight, *dbias;
    double *total_dweight, *total_dbias;
    int64_t padded;  // hidden, up to the next multiple of 64
};

using BackwardLoop = void (*)(const Backward &backward, int64_t begin_row, int64_t end_row, const ColumnSums &sums);

// For one instruction set.
struct Loops {
    const char *name;
    bool native_bf16;                                       // bf16 by instructions of its own
    CopyLoop (*copy)(const Streams &streams, Store store);  // returns null for sizes that Streams has not
    // Return null where there is no yardstick.
    NormLoop (*norm)(const Norm &norm, Store store);
    BackwardLoop (*backward)(const Backward &backward, Store store);
};

extern const Loops avx512_bf16_loops;
extern const Loops avx512_loops;
extern const Loops avx2_loops;
extern const Loops sse2_loops;

// The loops that this CPU runs, the best first, as a list that ends with null.
const Loops *const *runnable_loops();

}  // namespace norma::bench
