// SPDX-License-Identifier: MIT
// Sums over rows, on CUDA. A strategy writes them as outputs of rows, [hidden, rows]; threads that take one row after
// the other add up what they would store, each element in a register or in the place of their strip in memory.
#pragma once

#include <set>

#include "strip.h"

namespace norma {

class ColumnSumsPass : public StripPass {
public:
    // Element (v, thread, k) of a row lies at v + vector * (thread + threads of a row * k). `slots` registers of a
    // thread hold the sums of an output; with none they are in memory. The kernel's arguments strips, first_strip and
    // continued say how many strips there are, which one the first row belongs to, and whether memory holds the sums
    // of rows before. Throws std::logic_error where a store is not an element of its thread, or an output is never
    // stored.
    ColumnSumsPass(const std::string &step, int rows, std::set<std::string> outputs, int vector, int threads_of_row,
                   int slots)
        : StripPass(step, rows),
          outputs_(std::move(outputs)),
          vector_(vector),
          threads_of_row_(threads_of_row),
          slots_(slots) {}

protected:
    void finish() override;
    using StripPass::visit;
    Halide::Internal::Stmt visit_step(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    // One vector of a thread: where in its registers, and which of the columns.
    struct Piece {
        std::string output;
        Halide::Parameter memory;
        Halide::Expr slot, column;
    };

    Halide::Internal::Stmt add_in_memory(const Halide::Internal::Store *op, const Halide::Expr &value) const;
    Halide::Expr column_of(const Halide::Internal::Store *op) const;
    Halide::Expr in_memory(const std::string &output, const Halide::Expr &column) const;
    Halide::Internal::Stmt with_registers(const Halide::Internal::Stmt &loop) const;

    std::set<std::string> outputs_, stored_;
    int vector_, threads_of_row_, slots_;
    std::vector<Piece> pieces_;
};

}  // namespace norma
