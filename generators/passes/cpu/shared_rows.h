// SPDX-License-Identifier: MIT
// Rows of 16 bits in flight are stored together, block by block, so that a vector of weights is widened once for all of
// them. Only where all rows are there, their stores are ordinary ones, and all is plain (either.h): else row after row.
// The bits are the same. Rows of 32 bits would gain in the second-level cache, and lose as much beyond it.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <utility>

namespace norma {

// Loops over elements of `rows` rows, under a condition; StoreModePass leaves them alone.
bool is_shared_loop(const Halide::Internal::For *loop);

class SharedRowsPass : public Halide::Internal::IRMutator {
public:
    // `rows` at a time; `more`: groups may have more.
    SharedRowsPass(std::set<std::string> outputs, int rows, bool more)
        : outputs_(std::move(outputs)), rows_(rows), more_(more) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;

private:
    std::set<std::string> outputs_;
    int rows_;
    bool more_;
};

}  // namespace norma
