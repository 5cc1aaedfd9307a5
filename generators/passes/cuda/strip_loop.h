// SPDX-License-Identifier: MIT
// Lets the loop over the rows of a strip end at its last row, where Halide goes through as many steps in each strip and
// asks in each part of a step whether there is a row. Rows that share a warp go through as many steps, since their
// lanes exchange sums together; only what they store depends on whether there is a row.
#pragma once

#include "strip.h"

namespace norma {

class StripLoopPass : public StripPass {
public:
    // `output` is any output of rows. Throws std::logic_error where no part of a step depends on whether there is a
    // row.
    StripLoopPass(const std::string &step, int rows, int rows_of_warp, std::string output)
        : StripPass(step, rows), rows_of_warp_(rows_of_warp), output_(std::move(output)) {}

protected:
    void finish() override;
    using StripPass::visit;
    Halide::Internal::Stmt visit_step(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::IfThenElse *op) override;

private:
    Halide::Expr rows() const;
    bool holds(const Halide::Expr &condition);

    int rows_of_warp_;
    std::string output_;
    int found_ = 0;
};

}  // namespace norma
