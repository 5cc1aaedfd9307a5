// SPDX-License-Identifier: MIT
#include "store_mode.h"

#include <algorithm>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

// The first dense load of an activation that feeds a store.
class FindRowLoad : public IRVisitor {
public:
    const Load *found = nullptr;

private:
    using IRVisitor::visit;
    void visit(const Load *op) override {
        const Ramp *ramp = op->index.as<Ramp>();
        if (found == nullptr && op->param.defined() && op->param.dimensions() == 2 && ramp != nullptr) {
            found = op;
        }
        IRVisitor::visit(op);
    }
};

class Inside : public IRVisitor {
public:
    int loops = 0;
    std::vector<const Store *> stores;

private:
    using IRVisitor::visit;
    void visit(const For *op) override {
        loops++;
        IRVisitor::visit(op);
    }
    void visit(const Store *op) override {
        stores.push_back(op);
        IRVisitor::visit(op);
    }
};

Expr store_mode() { return Variable::make(Int(32), "store_mode"); }

}  // namespace

// An innermost loop is written twice, so that the ordinary one keeps its constants in registers.
Stmt StoreModePass::visit(const For *op) {
    Inside inside;
    op->body.accept(&inside);
    auto output = [&](const Store *store) { return outputs_.count(store->name) != 0; };
    auto store = std::find_if(inside.stores.begin(), inside.stores.end(), output);
    // A loop that stores under a condition is left to visit(Store): what it skips must not be streamed.
    if (inside.loops > 0 || std::count_if(inside.stores.begin(), inside.stores.end(), output) != 1 ||
        !is_dense_output(*store)) {
        return IRMutator::visit(op);
    }
    return IfThenElse::make(store_mode() == 0, op, streaming_loop(op));
}

// A call for each vector would spill what the loop holds in registers, so a strip of vectors goes to the stack first.
Stmt StoreModePass::streaming_loop(const For *op) {
    Expr strip = Variable::make(Int(32), unique_name("strip")),
         in_strip = Variable::make(Int(32), unique_name("in_strip"));
    Expr first = op->min + strip * strip_, count = min(op->extent - strip * strip_, strip_);
    Staging block(unique_name("block"), in_strip, count);
    staging_ = &block;
    Stmt body = IRMutator::mutate(op->body);
    IRMutator::mutate(substitute_in_all_lets(op->body));  // for a flush that stands outside of the body's lets
    staging_ = nullptr;

    auto serial = [&](const Expr &variable, const Expr &extent, const Stmt &loop_body) {
        return For::make(variable.as<Variable>()->name, 0, extent, ForType::Serial, op->partition_policy,
                         op->device_api, loop_body);
    };
    Stmt fill = serial(in_strip, count, LetStmt::make(op->name, first + in_strip, body));
    Stmt flush = LetStmt::make(op->name, first, Evaluate::make(block.flush));
    int elements = strip_ * block.lanes;
    Stmt filled = Allocate::make(block.name, block.element, MemoryType::Stack, {elements}, const_true(),
                                 Block::make(fill, flush));
    return serial(strip, (op->extent + strip_ - 1) / strip_, filled);
}

Stmt StoreModePass::visit(const Store *op) {
    if (!is_dense_output(op)) {
        return IRMutator::visit(op);
    }
    if (staging_ != nullptr) {
        return stage(op, *staging_);
    }
    Staging block(unique_name("block"), 0, 1);
    Stmt store = stage(op, block);
    Stmt streaming = Allocate::make(block.name, block.element, MemoryType::Stack, {block.lanes}, const_true(),
                                    Block::make(store, Evaluate::make(block.flush)));
    return IfThenElse::make(store_mode() == 0, op, streaming);
}

Stmt StoreModePass::stage(const Store *op, Staging &block) {
    const Ramp *ramp = op->index.as<Ramp>();
    block.element = op->value.type().element_of();
    block.lanes = ramp->lanes;

    Expr next_row = make_zero(type_of<void *>());
    Expr next_offset = cast<int64_t>(0);
    Expr next_bytes = 0;
    FindRowLoad load;
    op->value.accept(&load);
    if (load.found != nullptr) {
        Expr stride = Variable::make(Int(32), load.found->name + ".stride.1");
        int element_bytes = load.found->type.bytes();
        next_row = Variable::make(type_of<void *>(), load.found->name);
        next_offset = cast<int64_t>(load.found->index.as<Ramp>()->base + stride * rows_ahead_) * element_bytes;
        next_bytes = block.count * (ramp->lanes * element_bytes);
    }
    int element_bytes = block.element.bytes();
    block.flush =
        Call::make(Int(32), "kernel_stream_store_" + std::to_string(stream_bytes_),
                   {Variable::make(type_of<void *>(), op->name), cast<int64_t>(ramp->base) * element_bytes,
                    Variable::make(type_of<void *>(), block.name), block.count * (ramp->lanes * element_bytes),
                    store_mode(), next_row, next_offset, next_bytes},
                   Call::Extern);
    return Store::make(block.name, op->value, Ramp::make(block.position * ramp->lanes, 1, ramp->lanes), Parameter(),
                       const_true(ramp->lanes), ModulusRemainder());
}

bool StoreModePass::is_dense_output(const Store *op) const {
    const Ramp *ramp = op->index.as<Ramp>();
    return outputs_.count(op->name) != 0 && ramp != nullptr && is_const_one(ramp->stride) &&
           is_const_one(op->predicate);
}

Stmt StoreModePass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    if (--depth_ == 0) {
        // Streaming stores are not ordered by the locks that hand the result to another thread.
        Expr fence = Call::make(Int(32), "kernel_stream_fence", {}, Call::Extern);
        result = Block::make(result, IfThenElse::make(store_mode() != 0, Evaluate::make(fence)));
    }
    return result;
}

}  // namespace norma
