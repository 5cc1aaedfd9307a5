// SPDX-License-Identifier: MIT
#include "bf16_round.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const placeholder = "norma_bf16_bits";

Expr vector_of(uint32_t value, int lanes) { return make_const(UInt(32, lanes), value); }

// The two clamps keep a NaN with a full payload, of either sign, from rounding up into the other sign's zero.
Expr round_bits(const Expr &value) {
    int lanes = value.type().lanes();
    Expr bits = min(reinterpret(UInt(32, lanes), value), vector_of(0xffff0000u, lanes));
    bits = reinterpret(UInt(32, lanes), min(reinterpret(Int(32, lanes), bits), make_const(Int(32, lanes), 0x7fff0000)));
    Expr odd = (bits >> vector_of(16, lanes)) & vector_of(1, lanes);
    return cast(UInt(16, lanes), (bits + vector_of(0x7fff, lanes) + odd) >> vector_of(16, lanes));
}

// True where a result may have been flushed; also where it is a zero, which the other way gets right too.
Expr any_zero(const Expr &bits) {
    int lanes = bits.type().lanes();
    Expr magnitude = bits & make_const(UInt(16, lanes), 0x7fff);
    // Below 2, not equal to 0: LLVM turns that into a floating-point comparison and widens for it.
    return VectorReduce::make(VectorReduce::Or, magnitude < make_const(UInt(16, lanes), 2), 1);
}

// What a store narrows, if that is all that the store does.
Expr narrowed_value(const Store *op) {
    const auto *as_bf16 = op->value.as<Reinterpret>();
    const auto *call = as_bf16 == nullptr ? nullptr : as_bf16->value.as<Call>();
    return call != nullptr && call->name == placeholder ? call->args[0] : Expr();
}

}  // namespace

Expr bf16_bits(const Expr &value) { return Call::make(UInt(16), placeholder, {value}, Call::PureExtern); }

Expr Bf16RoundPass::visit(const Call *op) {
    return op->name == placeholder ? round_bits(mutate(op->args[0])) : IRMutator::visit(op);
}

Stmt Bf16RoundPass::visit(const Store *op) {
    Expr narrowed = narrowed_value(op);
    if (!native_ || !narrowed.defined() || narrowed.type().lanes() % 32 != 0 || !is_const_one(op->predicate)) {
        return IRMutator::visit(op);
    }
    int lanes = narrowed.type().lanes();
    std::string unrounded_name = unique_name("unrounded"), converted_name = unique_name("converted");
    Expr unrounded = Variable::make(Float(32, lanes), unrounded_name);
    Expr converted = Variable::make(UInt(16, lanes), converted_name);
    auto store = [&](const Expr &bits) {
        return Store::make(op->name, reinterpret(op->value.type(), bits), op->index, op->param, op->predicate, op->alignment);
    };
    Stmt chosen = IfThenElse::make(any_zero(converted), store(round_bits(unrounded)), store(converted));
    Expr convert = Call::make(UInt(16, lanes), "vcvtne2ps2bf16", {unrounded}, Call::PureExtern);
    return LetStmt::make(unrounded_name, mutate(narrowed), LetStmt::make(converted_name, convert, chosen));
}

}  // namespace norma
