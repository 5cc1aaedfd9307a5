// SPDX-License-Identifier: MIT
// Where a sum rounds to an integer in its low bits, NaN has to give 0. An add of CUDA makes every NaN a positive one,
// so that the smaller one of two integers is enough in place of a comparison and a choice.
#pragma once

#include <Halide.h>

namespace norma {

class NanBytePass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Cast *op) override;
};

}  // namespace norma
