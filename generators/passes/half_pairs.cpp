// SPDX-License-Identifier: MIT
#include "half_pairs.h"

#include "half_convert.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

class CanSplit : public IRVisitor {
public:
    bool can = true;

private:
    using IRVisitor::visit;
    void visit(const Load *) override { can = false; }
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
    }
};

class TakeHalf : public IRMutator {
public:
    explicit TakeHalf(bool odd) : odd_(odd) {}

private:
    using IRMutator::visit;
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
};

}  // namespace

std::optional<Pairs> split_pairs(const Expr &vector) {
    CanSplit split;
    vector.accept(&split);
    if (!split.can) {
        return std::nullopt;
    }
    return Pairs{TakeHalf(false).mutate(vector), TakeHalf(true).mutate(vector)};
}

}  // namespace norma
