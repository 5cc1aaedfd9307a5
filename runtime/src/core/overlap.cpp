// SPDX-License-Identifier: MIT
#include "overlap.h"

namespace norma {
namespace {

// A tensor's dimensions that move, in bytes, largest stride first.
struct Lattice {
    int levels = 0;
    int64_t strides[NORMA_MAX_RANK];
    int64_t reach[NORMA_MAX_RANK + 1];  // bytes covered by the dimensions from a level on

    Lattice(const norma_tensor &tensor, int64_t element) {
        int64_t lengths[NORMA_MAX_RANK];
        for (int d = 0; d < tensor.rank; d++) {
            if (tensor.shape[d] <= 1 || tensor.strides[d] == 0) {  // strides of one element may be anything
                continue;
            }
            const int64_t stride = tensor.strides[d] * element;
            int at = levels++;
            for (; at > 0 && strides[at - 1] < stride; at--) {
                strides[at] = strides[at - 1];
                lengths[at] = lengths[at - 1];
            }
            strides[at] = stride;
            lengths[at] = (tensor.shape[d] - 1) * stride;
        }
        reach[levels] = element;
        for (int i = levels; i > 0; i--) {
            reach[i - 1] = reach[i] + lengths[i - 1];
        }
    }
};

int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int64_t period(const Lattice &a, int a_outer, const Lattice &b, int b_outer) {
    int64_t divisor = 0;
    for (int i = 0; i < a_outer; i++) {
        divisor = greatest_common_divisor(divisor, a.strides[i]);
    }
    for (int i = 0; i < b_outer; i++) {
        divisor = greatest_common_divisor(divisor, b.strides[i]);
    }
    return divisor;
}

}  // namespace

bool same_tensor(const norma_tensor &a, const norma_tensor &b) {
    if (a.data != b.data || a.dtype != b.dtype || a.rank != b.rank) {
        return false;
    }
    for (int d = 0; d < a.rank; d++) {
        if (a.shape[d] != b.shape[d] || (a.shape[d] > 1 && a.strides[d] != b.strides[d])) {
            return false;
        }
    }
    return true;
}

bool interleaved(const norma_tensor &a, int64_t a_element, const norma_tensor &b, int64_t b_element) {
    const Lattice p(a, a_element), q(b, b_element);
    for (int i = 0; i <= p.levels; i++) {
        for (int j = 0; j <= q.levels; j++) {
            const int64_t step = period(p, i, q, j);
            if (step == 0) {
                continue;
            }
            // Both repeat with the period: compare where they lie within it.
            int64_t distance = (static_cast<const char *>(b.data) - static_cast<const char *>(a.data)) % step;
            distance = distance < 0 ? distance + step : distance;
            if (distance >= p.reach[i] && step - distance >= q.reach[j]) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace norma
