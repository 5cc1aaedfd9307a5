// SPDX-License-Identifier: MIT
// Rows to normalize: ordinary ones, and those that break implementations. A row's values depend on its identity alone,
// not on where a test puts it.
#pragma once

#include <cstdint>

#include "norma/norma.h"
#include "tools/reference/reference.h"

namespace norma::test {

enum class RowKind {
    normal,      // standard normal
    shifted,     // 100 with a spread of 0.01
    far,         // 40000 +- 1 (or the type's next numbers): the fp32 mean itself is
                 // rounded too much
    near_limit,  // around 60000: squares overflow fp16, sums of a few overflow too
    spread,      // magnitudes whose squares fp32 just holds
    small,       // magnitudes near 1e-12: squares must not be lost against each other
    huge,        // magnitudes whose squares fp32 does not hold
    tiny,        // magnitudes near 1e-25: nor their squares
    lowest,      // all the lowest number of the type
    opposite,    // the largest and the lowest number of bf16 in turn: so is the distance of both
    denormal,
    constant,  // 3.25: sums are exact, variance is exactly 0
    tenth,     // 0.1: every rounding of a sum goes the same way
    zero,
    alternating,  // mean is 0 or nearly
    spike,        // one element is all of the norm: the others are added to a sum that dwarfs them
    nan,          // every third row holds one NaN
    infinity,     // every third row holds one infinity, of either sign
    count
};

const char *name(RowKind kind);

// The error allowed in ULP of fp32: see compare.h.
double ulps_allowed(RowKind kind, norma_op op);

// Whether sums of two such rows leave the range of fp16.
bool is_near_limit(RowKind kind);

// Whether 1 / sqrt(mean square) itself stays within fp32, so that eps = 0 is meaningful.
bool allows_zero_eps(RowKind kind, norma_dtype dtype);

// Rows with this identity hold only NaN and infinities, whatever the kind.
inline constexpr int64_t poison_row = -1;

// Values of a stream: x, residual, weight and bias of a row have different ones.
reference::Values row_values(RowKind kind, norma_dtype dtype, int64_t hidden, int64_t row, int stream);

// Standard normal numbers.
double normal_sample(uint64_t index);

uint64_t mix(uint64_t a, uint64_t b);

}  // namespace norma::test
