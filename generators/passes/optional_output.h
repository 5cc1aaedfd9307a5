// SPDX-License-Identifier: MIT
// Leaves the stores to the named outputs of rows out where the caller has given them a row stride of 0: statistics that
// nobody wants. On CUDA there is no place where all rows could write at once.
#pragma once

#include <Halide.h>

#include <set>
#include <string>

namespace norma {

class OptionalOutputPass : public Halide::Internal::IRMutator {
public:
    explicit OptionalOutputPass(const std::set<std::string> &outputs) : outputs_(outputs) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    std::set<std::string> outputs_;
};

}  // namespace norma
