// SPDX-License-Identifier: MIT
// Streaming stores of short rows: some rows are stored to a block on the stack, by the very loop that stores them in
// the ordinary way, and one call streams the block. Only where rows lie one behind the other; others are left to
// store_mode.h, as are rows whose tail is stored after the loop: it may load what the row overwrites.
#pragma once

#include <Halide.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace norma {

// Where an output waits, in place of the output itself; and that output.
std::string staged_name(const std::string &output);
std::string unstaged_name(const std::string &name);

class StagedRowsPass : public Halide::Internal::IRMutator {
public:
    // Rows of `hidden` elements, where those are at most `most_hidden`: as many as have `batch_elements` together, or
    // those that a loop over columns stores side by side. Meanwhile the rows that are `rows_ahead` are prefetched, if
    // that is not 0 and they are no shorter than `least_prefetched`.
    StagedRowsPass(std::set<std::string> outputs, int stream_bytes, Halide::Expr hidden, int most_hidden,
                   int batch_elements, int rows_ahead, int least_prefetched)
        : outputs_(std::move(outputs)),
          stream_bytes_(stream_bytes),
          hidden_(std::move(hidden)),
          most_hidden_(most_hidden),
          batch_elements_(batch_elements),
          rows_ahead_(rows_ahead),
          least_prefetched_(least_prefetched) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;

private:
    struct Access {
        Halide::Type type;
        Halide::Expr first;  // the index of the first element, outside of loops and lets
        int lanes = 1, count = 0;
    };
    class Accesses;       // of outputs and activations
    class StoreToBlocks;  // in place of outputs

    Halide::Internal::Stmt staged(const Halide::Internal::For *op) const;
    Halide::Internal::Stmt staged(const Halide::Internal::For *op, const Accesses &accesses,
                                  const Halide::Expr &rows) const;

    std::set<std::string> outputs_;
    int stream_bytes_;
    Halide::Expr hidden_;
    int most_hidden_, batch_elements_, rows_ahead_, least_prefetched_;
    bool in_group_ = false;
};

}  // namespace norma
