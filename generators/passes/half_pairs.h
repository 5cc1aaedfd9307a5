// SPDX-License-Identifier: MIT
// bf16 two by two: a row is 32-bit words, the upper half of each already the fp32 number of the odd element, the lower
// half, shifted, that of the even one. Widened element by element, each takes a shuffle and a shift.
#pragma once

#include <Halide.h>

#include <optional>
#include <string>

namespace norma {

struct Pairs {
    Halide::Expr even, odd;
};

// A vector in memory that is split already.
struct Known {
    std::string name;
    Halide::Expr index;
    Pairs pairs;
};

// The elements of a vector that is computed from dense bf16 vectors (half_to_float), at least one, from what is known,
// if that is given, and from broadcast numbers alone, without lets.
std::optional<Pairs> split_pairs(const Halide::Expr &vector, const Known *known = nullptr);

// A vector that is named for one store, as that store with the vector in it, where split_pairs sees it. Undefined if
// the statement is another.
Halide::Internal::Stmt vector_in_store(const Halide::Internal::LetStmt *op);

}  // namespace norma
