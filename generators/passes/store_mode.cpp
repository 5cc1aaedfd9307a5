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

// An innermost loop is written twice, so that the ordinary one keeps its constants in registers: the call would spill them.
Stmt StoreModePass::visit(const For *op) {
    Inside inside;
    op->body.accept(&inside);
    bool stores = std::any_of(inside.stores.begin(), inside.stores.end(), [&](auto *store) { return is_dense_output(store); });
    if (chosen_ || inside.loops > 0 || !stores) {
        return IRMutator::visit(op);
    }
    chosen_ = true;
    Stmt streaming = IRMutator::visit(op);
    chosen_ = false;
    return IfThenElse::make(store_mode() == 0, op, streaming);
}

Stmt StoreModePass::visit(const Store *op) {
    if (!is_dense_output(op)) {
        return IRMutator::visit(op);
    }
    stores_++;
    return chosen_ ? streaming(op) : IfThenElse::make(store_mode() == 0, op, streaming(op));
}

Stmt StoreModePass::streaming(const Store *op) {
    const Ramp *ramp = op->index.as<Ramp>();
    Type element = op->value.type().element_of();

    Expr next_row = make_zero(type_of<void *>());
    Expr next_offset = cast<int64_t>(0);
    int next_bytes = 0;
    FindRowLoad load;
    op->value.accept(&load);
    if (load.found != nullptr) {
        Expr stride = Variable::make(Int(32), load.found->name + ".stride.1");
        int element_bytes = load.found->type.bytes();
        next_row = Variable::make(type_of<void *>(), load.found->name);
        next_offset = cast<int64_t>(load.found->index.as<Ramp>()->base + stride) * element_bytes;
        next_bytes = ramp->lanes * element_bytes;
    }

    std::string block = unique_name(op->name + "_block");
    Stmt to_block = Store::make(block, op->value, Ramp::make(0, 1, ramp->lanes), Parameter(), const_true(ramp->lanes),
                                ModulusRemainder());
    Expr call = Call::make(Int(32), "kernel_stream_store_" + std::to_string(stream_bytes_),
                           {Variable::make(type_of<void *>(), op->name), cast<int64_t>(ramp->base) * element.bytes(),
                            Variable::make(type_of<void *>(), block), ramp->lanes * element.bytes(), store_mode(), next_row,
                            next_offset, next_bytes},
                           Call::Extern);
    return Allocate::make(block, element, MemoryType::Stack, {ramp->lanes}, const_true(),
                          Block::make(to_block, Evaluate::make(call)));
}

bool StoreModePass::is_dense_output(const Store *op) const {
    const Ramp *ramp = op->index.as<Ramp>();
    return outputs_.count(op->name) != 0 && ramp != nullptr && is_const_one(ramp->stride) && is_const_one(op->predicate);
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
