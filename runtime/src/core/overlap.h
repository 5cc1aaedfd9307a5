// SPDX-License-Identifier: MIT
// Whether tensors share memory.
#pragma once

#include "norma/norma.h"

namespace norma {

// Bytes that a tensor covers, from its first element to the end of its last.
struct Span {
    const char *begin;
    int64_t bytes;
};

inline bool intersect(const Span &a, const Span &b) {
    return a.bytes > 0 && b.bytes > 0 && a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes;
}

// Same memory, shape and strides; dimensions of one element have no stride.
bool same_tensor(const norma_tensor &a, const norma_tensor &b);

// For tensors whose spans intersect: true only when no element is shared, as with the parts of a packed tensor. Where
// the common divisor of the outer strides does not show that, it says false.
bool interleaved(const norma_tensor &a, int64_t a_element, const norma_tensor &b, int64_t b_element);

}  // namespace norma
