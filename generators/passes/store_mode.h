// SPDX-License-Identifier: MIT
// Gives every dense vector store of the named outputs two ways to reach memory, chosen by the argument store_mode when
// the kernel runs: an ordinary store, or a streaming one that neither reads the line nor keeps it in the cache,
// optionally with a prefetch of the next row's input. Both store the very same value, so bits cannot depend on the
// choice.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <vector>

namespace norma {

class StoreModePass : public Halide::Internal::IRMutator {
public:
    // Streams `strip` vectors at a time, and prefetches the row that is `rows_ahead` of the one stored.
    StoreModePass(const std::vector<std::string> &outputs, int stream_bytes, int strip, int rows_ahead)
        : outputs_(outputs.begin(), outputs.end()),
          stream_bytes_(stream_bytes),
          strip_(strip),
          rows_ahead_(rows_ahead) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;

private:
    // Where results wait to be streamed: `count` vectors, of which the next goes to `position`. A store fills in the
    // rest.
    struct Staging {
        Staging(std::string name, Halide::Expr position, Halide::Expr count)
            : name(std::move(name)), position(std::move(position)), count(std::move(count)) {}
        std::string name;
        Halide::Expr position, count;
        Halide::Type element;
        int lanes = 0;
        Halide::Expr flush;
    };

    bool is_dense_output(const Halide::Internal::Store *op) const;
    Halide::Internal::Stmt streaming_loop(const Halide::Internal::For *op);
    Halide::Internal::Stmt stage(const Halide::Internal::Store *op, Staging &staging);

    std::set<std::string> outputs_;
    int stream_bytes_, strip_, rows_ahead_;
    int depth_ = 0;
    Staging *staging_ = nullptr;  // of the loop that is being rewritten
};

}  // namespace norma
