// SPDX-License-Identifier: MIT
// The algorithms of ops. Each names itself in its own file; runtime/vocabulary/ops.h has what else is known of an op.
#pragma once

#include "row.h"

namespace norma {

using Algorithm = void (*)(Row &row, const Variant &variant);

// Makes it the op's. At namespace scope of the algorithm's file.
struct RegisterAlgorithm {
    RegisterAlgorithm(norma_op op, Algorithm algorithm);
};

Algorithm find_algorithm(norma_op op);  // throws std::invalid_argument naming an op without one

}  // namespace norma
