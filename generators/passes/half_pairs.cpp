// SPDX-License-Identifier: MIT
#include "half_pairs.h"

#include "half_convert.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

bool is_known(const Load *op, const Known *known) {
    return known != nullptr && op->name == known->name && equal(op->index, known->index);
}

class CanSplit : public IRVisitor {
public:
    explicit CanSplit(const Known *known) : known_(known) {}

    bool can = true, has_pairs = false, has_known = false;

private:
    using IRVisitor::visit;
    void visit(const Load *op) override {
        has_known = is_known(op, known_);
        can = can && has_known;
    }
    void visit(const Variable *) override { can = false; }
    void visit(const Ramp *) override { can = false; }
    void visit(const Shuffle *) override { can = false; }
    void visit(const VectorReduce *) override { can = false; }
    void visit(const Let *) override { can = false; }
    void visit(const Broadcast *op) override { can = can && op->value.type().is_scalar(); }
    void visit(const Reinterpret *op) override {
        can = can && op->type.lanes() == op->value.type().lanes();
        IRVisitor::visit(op);
    }
    void visit(const Call *op) override {
        if (!is_half_to_float(op)) {
            IRVisitor::visit(op);
            return;
        }
        const Load *load = op->args[0].as<Load>();
        const Ramp *ramp = load != nullptr ? load->index.as<Ramp>() : nullptr;
        can = can && ramp != nullptr && is_const_one(ramp->stride) && is_const_one(load->predicate) &&
              load->type.is_bfloat();
        has_pairs = true;
    }

    const Known *known_;
};

class TakeHalf : public IRMutator {
public:
    TakeHalf(bool odd, const Known *known) : odd_(odd), known_(known) {}

private:
    using IRMutator::visit;
    Expr visit(const Load *) override { return odd_ ? known_->pairs.odd : known_->pairs.even; }
    Expr visit(const Broadcast *op) override { return Broadcast::make(op->value, op->lanes / 2); }
    Expr visit(const Cast *op) override { return Cast::make(halved(op->type), mutate(op->value)); }
    Expr visit(const Reinterpret *op) override { return Reinterpret::make(halved(op->type), mutate(op->value)); }
    Expr visit(const Call *op) override {
        if (!is_half_to_float(op)) {
            return Call::make(halved(op->type), op->name, mutate(op->args), op->call_type);
        }
        const Type type = UInt(32, op->type.lanes() / 2);
        Expr words = reinterpret(type, reinterpret(UInt(16, op->type.lanes()), op->args[0]));
        Expr bits = odd_ ? words & make_const(type, 0xffff0000u) : words << make_const(type, 16);
        return reinterpret(Float(32, type.lanes()), bits);
    }

    static Type halved(const Type &type) { return type.with_lanes(type.lanes() / 2); }

    bool odd_;
    const Known *known_;
};

// Undefined where there is more than one store, or where something else needs the vector.
Stmt let_in_store(const std::string &name, const Expr &value, const Stmt &body) {
    if (const LetStmt *let = body.as<LetStmt>()) {
        if (let->value.type().is_vector()) {
            const Stmt inside = let_in_store(let->name, let->value, let->body);
            return inside.defined() ? let_in_store(name, value, inside) : Stmt();
        }
        const Stmt inside = expr_uses_var(let->value, name) ? Stmt() : let_in_store(name, value, let->body);
        return inside.defined() ? LetStmt::make(let->name, let->value, inside) : Stmt();
    }
    const Store *store = body.as<Store>();
    return store == nullptr || expr_uses_var(store->index, name) || expr_uses_var(store->predicate, name)
               ? Stmt()
               : Store::make(store->name, Let::make(name, value, store->value), store->index, store->param,
                             store->predicate, store->alignment);
}

}  // namespace

Stmt vector_in_store(const LetStmt *op) {
    return op->value.type().is_vector() ? let_in_store(op->name, op->value, op->body) : Stmt();
}

std::optional<Pairs> split_pairs(const Expr &vector, const Known *known) {
    CanSplit split(known);
    vector.accept(&split);
    if (!split.can || !split.has_pairs || (known != nullptr && !split.has_known)) {
        return std::nullopt;
    }
    return Pairs{TakeHalf(false, known).mutate(vector), TakeHalf(true, known).mutate(vector)};
}

}  // namespace norma
