// SPDX-License-Identifier: MIT
// The moments of whole rows from those of their chunks, in float64 and in one order: docs/many-machines.md.
#pragma once

#include "sharded_plan.h"

namespace norma {

// `gathered` has what each rank sent, `count` elements each; `merged` is by moment and row.
void merge_gathered(const norma_sharded_plan &plan, int64_t rows, const double *gathered, int64_t count,
                    double *merged);

// This rank's chunks as sums, by moment and row, that may be added to the other ranks'; and the moments of these.
void add_up_chunks(const norma_sharded_plan &plan, int64_t rows, const double *partials, double *sums);
void merge_reduced(const norma_sharded_plan &plan, int64_t rows, const double *sums, double *merged);

}  // namespace norma
