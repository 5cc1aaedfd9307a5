// SPDX-License-Identifier: MIT
#include "work.h"

namespace norma {
namespace {

// A number for all rows has none, whatever is written where they would be.
int64_t stride(const norma_tensor &tensor, int d) { return d < tensor.rank ? tensor.strides[d] : 0; }

}  // namespace

void fold(const norma_plan &plan, const norma_arguments &arguments, Work *work) {
    const norma_tensor &x = arguments.x;
    int levels = 0;
    work->extents[0] = 1;
    for (int d = x.rank - 2; d >= 0; d--) {
        if (x.shape[d] == 1) {
            continue;
        }
        bool even = levels > 0;
        for (const int i : plan.present) {
            int64_t next = 0;
            even = even &&
                   (plan.kinds[i] == TensorKind::vector ||
                    (!__builtin_mul_overflow(work->operands[i].strides[levels - 1], work->extents[levels - 1], &next) &&
                     stride(tensor_of(arguments, i), d) == next));
        }
        if (even) {
            work->extents[levels - 1] *= x.shape[d];
            continue;
        }
        work->extents[levels] = x.shape[d];
        for (const int i : plan.present) {
            const bool steps = plan.kinds[i] != TensorKind::vector;
            work->operands[i].strides[levels] = steps ? stride(tensor_of(arguments, i), d) : 0;
        }
        levels++;
    }
    work->levels = levels > 0 ? levels : 1;
}

}  // namespace norma
