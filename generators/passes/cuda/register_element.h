// SPDX-License-Identifier: MIT
#pragma once

#include <Halide.h>

namespace norma {

// What a thread keeps of one element, between outputs that share a loop, is allocated for the whole kernel. Halide
// makes that depend on the loop's variable, which is not known there: here it does not.
class RegisterElementPass : public Halide::Internal::IRMutator {
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;
};

}  // namespace norma
