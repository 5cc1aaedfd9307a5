// SPDX-License-Identifier: MIT
#pragma once

#include <Halide.h>

#include <set>
#include <string>

namespace norma {

// Lanes exchange what all of them have computed. Halide skips a stage where nothing guarded by the end of a row reads
// it: these stages it does not skip.
class EveryLanePass : public Halide::Internal::IRMutator {
public:
    explicit EveryLanePass(std::set<std::string> stages) : stages_(std::move(stages)) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;

private:
    std::set<std::string> stages_;
};

}  // namespace norma
