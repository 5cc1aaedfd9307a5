// SPDX-License-Identifier: MIT
// Replaces every store to the named outputs.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <utility>

namespace norma {

// An addition to what memory holds: where the rows of an output lie on top of each other (a row stride of 0), it ends
// up with the sum of its rows, in the order of the loops.
Halide::Internal::Stmt add_to_memory(const Halide::Internal::Store *op);

// No store where the caller has given an output of rows a row stride of 0: statistics that nobody wants. On CUDA there
// is no place where all rows could write at once.
Halide::Internal::Stmt store_if_wanted(const Halide::Internal::Store *op);

class OutputStoresPass : public Halide::Internal::IRMutator {
public:
    using Replacement = Halide::Internal::Stmt (*)(const Halide::Internal::Store *op);

    OutputStoresPass(std::set<std::string> outputs, Replacement replacement)
        : outputs_(std::move(outputs)), replacement_(replacement) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override {
        return outputs_.count(op->name) == 0 ? IRMutator::visit(op) : replacement_(op);
    }

private:
    std::set<std::string> outputs_;
    Replacement replacement_;
};

}  // namespace norma
