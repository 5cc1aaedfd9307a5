// SPDX-License-Identifier: MIT
#include "rows_ahead.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int widest_copy = 16;

struct FindShared : IRVisitor {
    using IRVisitor::visit;
    void visit(const Allocate *op) override {
        found = found || op->memory_type == MemoryType::GPUShared;
        IRVisitor::visit(op);
    }
    bool found = false;
};

struct FindStores : IRVisitor {
    using IRVisitor::visit;
    void visit(const Store *op) override {
        names.insert(op->name);
        IRVisitor::visit(op);
    }
    std::set<std::string> names;
};

// Puts sums in one form, for equal() to find: terms from left to right.
struct FlatSums : IRMutator {
    using IRMutator::visit;
    Expr visit(const Add *op) override {
        const Expr a = mutate(op->a), b = mutate(op->b);
        const Add *sum = b.as<Add>();
        return sum != nullptr ? mutate(a + sum->a + sum->b) : a + b;
    }
};

Stmt call(const char *function, const std::vector<Expr> &arguments) {
    return Evaluate::make(Call::make(Int(32), function, arguments, Call::Extern));
}

}  // namespace

void RowsAheadPass::finish() {
    if (pieces_.empty()) {
        throw std::logic_error("rows_ahead: a step loads nothing of its row");
    }
}

Stmt RowsAheadPass::visit(const For *op) {
    FindShared shared;
    if (op->for_type != ForType::GPUBlock || (op->accept(&shared), shared.found)) {
        return StripPass::visit(op);
    }
    shared_ = "rows_ahead";
    const Stmt stmt = StripPass::visit(op);
    const For *loop = stmt.as<For>();
    const Stmt body = Allocate::make(shared_, UInt(8), MemoryType::GPUShared, {bytes_}, const_true(), loop->body);
    return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api,
                     body);
}

Stmt RowsAheadPass::visit(const Allocate *op) {
    if (op->memory_type != MemoryType::GPUShared) {
        return StripPass::visit(op);
    }
    shared_ = op->name;
    bytes_ = op->constant_allocation_size() * op->type.bytes();
    const Stmt body = mutate(op->body);
    const int elements = (bytes_ + op->type.bytes() - 1) / op->type.bytes();
    return Allocate::make(op->name, op->type, op->memory_type, {elements}, op->condition, body);
}

Stmt RowsAheadPass::visit_step(const For *op) {
    FindStores stores;
    op->body.accept(&stores);
    stored_ = stores.names;
    mutate(op->body);  // finds the pieces
    place();
    kept_.clear();
    const Stmt own = mutate(op->body);
    const Expr next = step() + ahead_;
    const Stmt copy_next =
        Block::make(IfThenElse::make(next < op->extent, copies(next)), call(commit_copies_function, {}));
    const Stmt await = call(await_copies_function, {in_place_ ? ahead_ - 1 : ahead_});
    Stmt body = in_place_ ? Block::make(copy_next, own) : Block::make({copy_next, await, own});
    for (const Piece &piece : pieces_) {
        body = piece.slots == 1 ? LetStmt::make(piece.name, copy_of(piece, step()), body) : body;
    }
    body = in_place_ ? Block::make(await, body) : body;
    Stmt stmt = For::make(op->name, op->min, op->extent, op->for_type, op->partition_policy, op->device_api, body);
    for (int i = ahead_ - 1; i >= 0; i--) {
        stmt = Block::make({IfThenElse::make(i < op->extent, copies(i)), call(commit_copies_function, {}), stmt});
    }
    for (const auto &[name, value] : kept_) {
        stmt = LetStmt::make(name, value, stmt);
    }
    return stmt;
}

Expr RowsAheadPass::visit(const Load *op) {
    if (!in_step() || !op->param.defined() || stored_.count(op->name) != 0) {
        return StripPass::visit(op);
    }
    if (!expr_uses_var(expanded(op->index), step().as<Variable>()->name)) {
        return kept(op);
    }
    const Piece &piece = pieces_[piece_of(op)];
    return piece.slots == 1 ? Variable::make(op->type, piece.name) : copy_of(piece, step());
}

Expr RowsAheadPass::copy_of(const Piece &piece, const Expr &step) const {
    const Load *op = piece.load;
    return Load::make(op->type, shared_, index_of_copy(piece, step), Buffer<>(), Parameter(), op->predicate,
                      ModulusRemainder(op->type.lanes(), 0));
}

Expr RowsAheadPass::kept(const Load *op) {
    const Expr load = Load::make(op->type, op->name, simplify(expanded(op->index)), op->image, op->param, op->predicate,
                                 op->alignment);
    for (const auto &[name, value] : kept_) {
        if (equal(value, load)) {
            return Variable::make(op->type, name);
        }
    }
    kept_.emplace_back(unique_name(op->name + "_kept"), load);
    return Variable::make(op->type, kept_.back().first);
}

int RowsAheadPass::piece_of(const Load *op) {
    const Expr index = FlatSums().mutate(simplify(expanded(op->index)));
    for (size_t i = 0; i < pieces_.size(); i++) {
        if (pieces_[i].load->name == op->name && equal(pieces_[i].index, index)) {
            return (int)i;
        }
    }
    const int bytes = op->type.bytes() * op->type.lanes();
    if (bytes != 4 && bytes != 8 && bytes != widest_copy) {
        throw std::logic_error("rows_ahead: " + std::to_string(bytes) + " bytes of " + op->name + " are no copy");
    }
    pieces_.push_back({op, index, bytes, unique_name(op->name + "_now"), 0, ahead_ + 1});
    return (int)pieces_.size() - 1;
}

// The widest first, as each must be aligned; and in place of the present row where that saves the most.
void RowsAheadPass::place() {
    bytes_ = (bytes_ + widest_copy - 1) / widest_copy * widest_copy;
    auto of_copies = [&](const Piece &piece) { return piece.bytes * piece.slots * thread_count(); };
    int all = bytes_;
    for (const Piece &piece : pieces_) {
        all += of_copies(piece);
    }
    for (Piece &piece : pieces_) {
        if (all > most_bytes_ && piece.bytes == widest_copy) {
            all -= of_copies(piece);
            piece.slots = ahead_;
            all += of_copies(piece);
            in_place_ = true;
        }
    }
    for (int bytes = widest_copy; bytes >= 4; bytes /= 2) {
        for (Piece &piece : pieces_) {
            if (piece.bytes == bytes) {
                piece.offset = bytes_;
                bytes_ += of_copies(piece);
            }
        }
    }
}

Expr RowsAheadPass::index_of_copy(const Piece &piece, const Expr &step) const {
    const Type type = piece.load->type;
    const Expr slot = simplify(step & (piece.slots - 1));
    const Expr first = piece.offset / type.bytes() + (slot * thread_count() + thread()) * type.lanes();
    return type.lanes() == 1 ? first : Ramp::make(first, 1, type.lanes());
}

Stmt RowsAheadPass::copies(const Expr &at) const {
    Stmt all;
    for (const Piece &piece : pieces_) {
        const Load *op = piece.load;
        const Expr index = simplify(substitute(step().as<Variable>()->name, at, piece.index));
        const Expr value = Load::make(op->type, op->name, index, op->image, op->param, op->predicate, op->alignment);
        const Stmt copy = Store::make(shared_, value, index_of_copy(piece, at), Parameter(), op->predicate,
                                      ModulusRemainder(op->type.lanes(), 0));
        all = all.defined() ? Block::make(all, copy) : copy;
    }
    return all;
}

}  // namespace norma
