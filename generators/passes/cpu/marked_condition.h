// SPDX-License-Identifier: MIT
// Values that an algorithm marks with a condition of their row or call, which a pass then puts around a statement.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

namespace norma {

// The first arguments of calls of `name` in the statement, each once, as they are outside of its lets.
std::vector<Halide::Expr> conditions_of(const Halide::Internal::Stmt &stmt, const std::string &name);

}  // namespace norma
