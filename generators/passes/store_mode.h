// SPDX-License-Identifier: MIT
// Gives every dense vector store of the named outputs two ways to reach memory, chosen by the argument store_mode when the
// kernel runs: an ordinary store, or a streaming one that neither reads the line nor keeps it in the cache, optionally with
// a prefetch of the next row's input. Both store the very same value, so bits cannot depend on the choice.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <vector>

namespace norma {

class StoreModePass : public Halide::Internal::IRMutator {
public:
    StoreModePass(const std::vector<std::string> &outputs, int stream_bytes)
        : outputs_(outputs.begin(), outputs.end()), stream_bytes_(stream_bytes) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

    int stores() const { return stores_; }

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;

private:
    bool is_dense_output(const Halide::Internal::Store *op) const;
    Halide::Internal::Stmt streaming(const Halide::Internal::Store *op);

    std::set<std::string> outputs_;
    int stream_bytes_;
    int stores_ = 0;
    int depth_ = 0;
    bool chosen_ = false;  // inside a loop that streams
};

}  // namespace norma
