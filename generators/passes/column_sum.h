// SPDX-License-Identifier: MIT
// Turns every store to the named outputs into an addition to what memory holds. The rows of such an output lie on top
// of each other (a row stride of 0), so it ends up with the sum of its rows, in the order of the loops.
#pragma once

#include <Halide.h>

#include <set>
#include <string>

namespace norma {

class ColumnSumPass : public Halide::Internal::IRMutator {
public:
    explicit ColumnSumPass(const std::set<std::string> &outputs) : outputs_(outputs) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    std::set<std::string> outputs_;
};

}  // namespace norma
