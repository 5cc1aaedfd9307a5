// SPDX-License-Identifier: MIT
// Rows of a strip come to shared memory before their turn, so that memory is not idle while a row is summed. Halide
// loads a row in its own step; here a thread copies what it will load in a later step, without waiting, and loads its
// copy when that step comes. No thread reads another's copy, so none waits for another.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "strip.h"

namespace norma {

// Extern functions that stand for instructions: the copies since the last one are a group; all but the latest `n`
// groups are there.
inline constexpr const char *commit_copies_function = "norma_commit_copies",
                            *await_copies_function = "norma_await_copies";

class RowsAheadPass : public StripPass {
public:
    // Copies start `ahead` steps before theirs: 1 or 3. A copy is written as a store of what was just loaded, of which
    // finish_ptx makes one instruction. Of what `most_bytes` of shared memory do not hold beside the present row, the
    // copy comes to where that was, once that is in registers. Throws std::logic_error where a step loads nothing of
    // its row, or other than 4, 8 or 16 bytes at once.
    RowsAheadPass(const std::string &step, int rows, int ahead, int most_bytes)
        : StripPass(step, rows), ahead_(ahead), most_bytes_(most_bytes) {}

protected:
    void finish() override;
    using StripPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Internal::Stmt visit_step(const Halide::Internal::For *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;

private:
    // What a thread loads of each row at once.
    struct Piece {
        const Halide::Internal::Load *load;
        Halide::Expr index;  // in terms of the loops
        int bytes;
        std::string name;  // of what is in registers
        int offset;        // of its copies in shared memory, in bytes
        int slots;
    };

    Halide::Expr copy_of(const Piece &piece, const Halide::Expr &step) const;
    Halide::Expr kept(const Halide::Internal::Load *op);
    int piece_of(const Halide::Internal::Load *op);
    void place();
    Halide::Expr index_of_copy(const Piece &piece, const Halide::Expr &step) const;
    Halide::Internal::Stmt copies(const Halide::Expr &step) const;

    int ahead_, most_bytes_;
    bool in_place_ = false;  // some of the copies
    std::vector<Piece> pieces_;
    std::vector<std::pair<std::string, Halide::Expr>>
        kept_;                      // what all steps load, as LLVM takes copies for writes to it
    std::set<std::string> stored_;  // by a step, as sums in memory are
    std::string shared_;
    int bytes_ = 0;  // of shared memory
};

}  // namespace norma
