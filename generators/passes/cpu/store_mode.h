// SPDX-License-Identifier: MIT
// Gives every dense vector store of the named outputs two ways to reach memory, chosen by the argument store_mode when
// the kernel runs: an ordinary store, or a streaming one that neither reads the line nor keeps it in the cache,
// optionally with a prefetch of the next row's input. Both store the very same value, so bits cannot depend on the
// choice.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace norma {

class StoreModePass : public Halide::Internal::IRMutator {
public:
    // Streams `batch` vectors at a time, and prefetches the row that is `rows_ahead` of the one stored.
    StoreModePass(const std::set<std::string> &outputs, int stream_bytes, int batch, Halide::Expr rows_ahead)
        : outputs_(outputs), stream_bytes_(stream_bytes), batch_(batch), rows_ahead_(std::move(rows_ahead)) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;

private:
    // A store whose results wait on the stack to be streamed.
    struct Staged {
        std::string block;
        Halide::Type element;
        int lanes = 0;
        Halide::Internal::Stmt flush;
    };
    // What a loop stores: `count` vectors to each block, of which the next goes to `position`.
    struct Staging {
        Staging(Halide::Expr position, Halide::Expr count) : position(std::move(position)), count(std::move(count)) {}
        Halide::Expr position, count;
        std::vector<Staged> stores;                              // in the order of the loop
        std::vector<std::pair<std::string, Halide::Expr>> lets;  // around the next store, within the loop
    };

    bool is_dense_output(const Halide::Internal::Store *op) const;
    Halide::Internal::Stmt streaming_loop(const Halide::Internal::For *op);
    Halide::Internal::Stmt stage(const Halide::Internal::Store *op, Staging &staging);

    std::set<std::string> outputs_;
    int stream_bytes_, batch_;
    Halide::Expr rows_ahead_;
    int depth_ = 0;
    Staging *staging_ = nullptr;  // of the loop that is being rewritten
};

}  // namespace norma
