// SPDX-License-Identifier: MIT
#include "store_mode.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "shared_rows.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

// The dense loads of activations that feed a store, one of each.
class FindRowLoads : public IRVisitor {
public:
    std::map<std::string, const Load *> found;

private:
    using IRVisitor::visit;
    void visit(const Load *op) override {
        if (op->param.defined() && op->param.dimensions() == 2 && op->index.as<Ramp>() != nullptr) {
            found.try_emplace(op->name, op);
        }
        IRVisitor::visit(op);
    }
};

class Inside : public IRVisitor {
public:
    int loops = 0, conditions = 0;
    std::vector<const Store *> stores;

private:
    using IRVisitor::visit;
    void visit(const For *op) override {
        loops++;
        IRVisitor::visit(op);
    }
    void visit(const IfThenElse *op) override {
        conditions++;
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
    if (is_shared_loop(op)) {
        return op;
    }
    Inside inside;
    op->body.accept(&inside);
    std::vector<const Store *> stores;
    std::copy_if(inside.stores.begin(), inside.stores.end(), std::back_inserter(stores),
                 [&](const Store *store) { return outputs_.count(store->name) != 0; });
    // A loop that stores under a condition is left to visit(Store): what it skips must not be streamed.
    if (inside.loops + inside.conditions > 0 || stores.empty() ||
        !std::all_of(stores.begin(), stores.end(), [&](const Store *store) { return is_dense_output(store); })) {
        return IRMutator::visit(op);
    }
    return IfThenElse::make(store_mode() == 0, op, streaming_loop(op));
}

// A call for each vector would spill what the loop holds in registers, so a batch of vectors goes to the stack first.
Stmt StoreModePass::streaming_loop(const For *op) {
    Expr batch = Variable::make(Int(32), unique_name("batch")),
         in_batch = Variable::make(Int(32), unique_name("in_batch"));
    Expr first = op->min + batch * batch_, count = min(op->extent - batch * batch_, batch_);
    Staging staging(in_batch, count);
    staging_ = &staging;
    Stmt body = IRMutator::mutate(op->body);
    staging_ = nullptr;

    auto serial = [&](const Expr &variable, const Expr &extent, const Stmt &loop_body) {
        return For::make(variable.as<Variable>()->name, 0, extent, ForType::Serial, op->partition_policy,
                         op->device_api, loop_body);
    };
    Stmt filled = serial(in_batch, count, LetStmt::make(op->name, first + in_batch, body));
    for (const Staged &staged : staging.stores) {
        filled = Block::make(filled, LetStmt::make(op->name, first, staged.flush));
    }
    for (const Staged &staged : staging.stores) {
        filled = Allocate::make(staged.block, staged.element, MemoryType::Stack, {batch_ * staged.lanes}, const_true(),
                                filled);
    }
    return serial(batch, (op->extent + batch_ - 1) / batch_, filled);
}

Stmt StoreModePass::visit(const LetStmt *op) {
    if (staging_ == nullptr) {
        return IRMutator::visit(op);
    }
    Expr value = mutate(op->value);
    staging_->lets.emplace_back(op->name, value);
    Stmt body = mutate(op->body);
    staging_->lets.pop_back();
    return LetStmt::make(op->name, value, body);
}

Stmt StoreModePass::visit(const Store *op) {
    if (!is_dense_output(op)) {
        return IRMutator::visit(op);
    }
    if (staging_ != nullptr) {
        return stage(op, *staging_);
    }
    Staging staging(0, 1);
    Stmt store = stage(op, staging);
    const Staged &staged = staging.stores.front();
    Stmt streaming = Allocate::make(staged.block, staged.element, MemoryType::Stack, {staged.lanes}, const_true(),
                                    Block::make(store, staged.flush));
    return IfThenElse::make(store_mode() == 0, op, streaming);
}

Stmt StoreModePass::stage(const Store *op, Staging &staging) {
    staging.stores.emplace_back();
    Staged &staged = staging.stores.back();
    staged.block = unique_name("block");
    const Ramp *ramp = op->index.as<Ramp>();
    staged.element = op->value.type().element_of();
    staged.lanes = ramp->lanes;

    // The flush stands outside of the lets of the loop and of the value.
    auto outside = [&](Expr expr) {
        for (auto let = staging.lets.rbegin(); let != staging.lets.rend(); ++let) {
            expr = substitute(let->first, let->second, expr);
        }
        return substitute_in_all_lets(expr);
    };
    auto bytes = [&](const Type &type) { return staging.count * (ramp->lanes * type.bytes()); };
    auto memory = [](const std::string &name) { return Variable::make(type_of<void *>(), name); };
    staged.flush =
        Evaluate::make(Call::make(Int(32), "kernel_stream_store_" + std::to_string(stream_bytes_),
                                  {memory(op->name), cast<int64_t>(outside(ramp->base)) * staged.element.bytes(),
                                   memory(staged.block), bytes(staged.element)},
                                  Call::Extern));
    FindRowLoads loads;
    const Expr value = outside(op->value);  // holds what is found
    value.accept(&loads);
    for (const auto &[input, load] : loads.found) {
        Expr stride = Variable::make(Int(32), input + ".stride.1");
        Expr next = cast<int64_t>(outside(load->index.as<Ramp>()->base) + stride * rows_ahead_) * load->type.bytes();
        Expr prefetch = Call::make(Int(32), "kernel_prefetch", {memory(input), next, bytes(load->type), store_mode()},
                                   Call::Extern);
        staged.flush = Block::make(staged.flush, Evaluate::make(prefetch));
    }
    return Store::make(staged.block, op->value, Ramp::make(staging.position * ramp->lanes, 1, ramp->lanes), Parameter(),
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
