// SPDX-License-Identifier: MIT
#include "tail_loop.h"

#include <algorithm>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

bool is_masked(const Store *op) { return !is_const_one(op->predicate); }

class FindMasked : public IRVisitor {
public:
    bool store = false, loads = false, one_by_one = false;
    int least_bits = 64;  // of what it loads and stores

private:
    using IRVisitor::visit;
    void visit(const For *) override {}
    void visit(const Block *op) override {
        one_by_one = true;
        IRVisitor::visit(op);
    }
    void visit(const Load *op) override {
        loads = true;
        least_bits = std::min(least_bits, op->type.bits());
        IRVisitor::visit(op);
    }
    void visit(const Store *op) override {
        store = store || is_masked(op);
        least_bits = std::min(least_bits, op->value.type().bits());
        IRVisitor::visit(op);
    }
};

// Some neighbouring lanes of a vector that is computed lane by lane.
class TakeLanes : public IRMutator {
public:
    TakeLanes(Expr first, Expr mask) : first_(std::move(first)), mask_(std::move(mask)), lanes_(mask_.type().lanes()) {}

    bool can = true;

    Expr mutate(const Expr &e) override { return e.type().is_scalar() ? e : IRMutator::mutate(e); }
    using IRMutator::mutate;

private:
    using IRMutator::visit;
    Expr visit(const Ramp *op) override {
        const Expr base = op->base + first_ * op->stride;
        can = can && base.type().is_scalar();
        return lanes_ == 1 ? base : Ramp::make(base, op->stride, lanes_);
    }
    Expr visit(const Broadcast *op) override {
        can = can && op->value.type().is_scalar();
        return lanes_ == 1 ? op->value : Broadcast::make(op->value, lanes_);
    }
    Expr visit(const Load *op) override {
        return Load::make(taken(op->type), op->name, mutate(op->index), op->image, op->param, mask_, {});
    }
    Expr visit(const Cast *op) override { return Cast::make(taken(op->type), mutate(op->value)); }
    Expr visit(const Reinterpret *op) override {
        can = can && op->type.lanes() == op->value.type().lanes();
        return can ? Reinterpret::make(taken(op->type), mutate(op->value)) : op;
    }
    Expr visit(const Call *op) override {
        can = can && op->is_pure();
        return Call::make(taken(op->type), op->name, mutate(op->args), op->call_type, op->func, op->value_index,
                          op->image, op->param);
    }
    Expr visit(const Variable *op) override { return refuse(op); }
    Expr visit(const Shuffle *op) override { return refuse(op); }
    Expr visit(const VectorReduce *op) override { return refuse(op); }

    Type taken(const Type &type) const { return type.with_lanes(lanes_); }
    Expr refuse(const Expr &vector) {
        can = false;
        return make_zero(taken(vector.type()));
    }

    Expr first_, mask_;
    int lanes_;
};

// How many lanes a mask has, the first ones; undefined for other masks.
Expr lanes_of(const Expr &mask) {
    const LE *most = mask.as<LE>();
    const LT *end = mask.as<LT>();
    if (most == nullptr && end == nullptr) {
        return Expr();
    }
    Expr lanes = most != nullptr ? most->a : end->a;
    while (const Cast *narrowed = lanes.as<Cast>()) {
        lanes = narrowed->value;
    }
    const Ramp *ramp = lanes.as<Ramp>();
    const Broadcast *bound = (most != nullptr ? most->b : end->b).as<Broadcast>();
    if (ramp == nullptr || bound == nullptr || !is_const_one(ramp->stride) || !ramp->base.type().is_scalar()) {
        return Expr();
    }
    const Expr count = cast<int>(bound->value) - cast<int>(ramp->base) + (most != nullptr ? 1 : 0);
    return clamp(count, 0, ramp->lanes);
}

// Undefined where a lane is not computed from its own lanes alone.
Stmt store_lanes(const Store *op, const Expr &first, const Expr &mask) {
    TakeLanes take(first, mask);
    const Expr value = take.mutate(substitute_in_all_lets(op->value)), index = take.mutate(op->index);
    return take.can ? Store::make(op->name, common_subexpression_elimination(value), index, op->param, mask, {})
                    : Stmt();
}

Stmt loop(const std::string &name, const Expr &first, const Expr &count, const Stmt &body) {
    return For::make(name, first, count, ForType::Serial, Partition::Never, DeviceAPI::None, body);
}

}  // namespace

// Vectors that are named for a masked store go into it, unless one before it may change what they were loaded from.
Stmt TailLoopPass::visit(const LetStmt *op) {
    if (!op->value.type().is_vector()) {
        return IRMutator::visit(op);
    }
    FindMasked inside, named;
    op->body.accept(&inside);
    op->value.accept(&named);
    const bool goes_inside = inside.store && !(named.loads && inside.one_by_one);
    return goes_inside ? mutate(substitute(op->name, op->value, op->body)) : IRMutator::visit(op);
}

Stmt TailLoopPass::visit(const Store *op) {
    FindMasked found;
    op->accept(&found);
    const int lanes = op->value.type().lanes();
    const bool can_mask = found.least_bits >= least_masked_bits_;
    const Expr count = lanes_of(op->predicate);
    if (!found.store || !count.defined() || (lanes <= register_lanes_ && can_mask)) {
        return op;
    }
    const std::string all = unique_name("tail"), registers = unique_name("tail_register"),
                      element = unique_name("tail_element");
    const Expr tail = Variable::make(Int(32), all), whole = tail / register_lanes_, first = whole * register_lanes_;
    const Stmt of_register =
        store_lanes(op, Variable::make(Int(32), registers) * register_lanes_, const_true(register_lanes_));
    Stmt rest;
    if (can_mask) {
        rest = store_lanes(op, first, Ramp::make(first, 1, register_lanes_) < Broadcast::make(tail, register_lanes_));
        rest = rest.defined() ? IfThenElse::make(first < tail, rest) : rest;
    } else {
        rest = store_lanes(op, Variable::make(Int(32), element), const_true());
        rest = rest.defined() ? loop(element, first, tail - first, rest) : rest;
    }
    if (!of_register.defined() || !rest.defined()) {
        return op;
    }
    return LetStmt::make(all, count, Block::make(loop(registers, 0, whole, of_register), rest));
}

}  // namespace norma
