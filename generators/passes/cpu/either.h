// SPDX-License-Identifier: MIT
// A value that may be computed in a shorter way where a condition of the row or of the call holds: the loop around it
// is written twice, and one of the two is chosen before it.
#pragma once

#include <Halide.h>

namespace norma {

// `general` is right in any case, `plain` where the condition holds, which must not depend on the element.
Halide::Expr mark_either(const Halide::Expr &condition, const Halide::Expr &plain, const Halide::Expr &general);

// When all that is marked in the statement may be plain, undefined where nothing is marked; and the statement so.
Halide::Expr plain_condition(const Halide::Internal::Stmt &stmt);
Halide::Internal::Stmt plain(const Halide::Internal::Stmt &stmt);

// A loop over elements is written twice: with all that is plain, where all of its conditions hold, and with all that is
// general.
class EitherPass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;
};

}  // namespace norma
