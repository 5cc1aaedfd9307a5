// SPDX-License-Identifier: MIT
#include "half_convert.h"

#include "half_pairs.h"
#include "strict.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const to_float = "norma_half_to_float";
const char *const to_half = "norma_float_to_half";

// Integer arithmetic on vectors of any width.
struct Bits {
    int lanes;

    Expr of(uint32_t value) const { return make_const(UInt(32, lanes), value); }
    Expr of(const Expr &value) const { return reinterpret(UInt(32, lanes), value); }
    Expr value(const Expr &bits) const { return reinterpret(Float(32, lanes), bits); }
    Expr widened(const Expr &half) const { return cast(UInt(32, lanes), reinterpret(UInt(16, lanes), half)); }
    Expr narrowed(const Type &type, const Expr &bits) const {
        return reinterpret(type.with_lanes(lanes), cast(UInt(16, lanes), bits));
    }
};

Expr bf16_to_float(const Expr &half) {
    Bits b{half.type().lanes()};
    return b.value(b.widened(half) << b.of(16));
}

// The rounded number is the upper half. The two clamps keep a NaN with a full payload, of either sign, from rounding up
// into the other sign's zero.
Expr rounded_to_bf16(const Expr &value) {
    Bits b{value.type().lanes()};
    Expr bits = min(b.of(value), b.of(0xffff0000u));
    bits = b.of(min(reinterpret(Int(32, b.lanes), bits), make_const(Int(32, b.lanes), 0x7fff0000)));
    Expr odd = (bits >> b.of(16)) & b.of(1);
    return bits + b.of(0x7fff) + odd;
}

Expr float_to_bf16(const Expr &value) {
    Bits b{value.type().lanes()};
    return b.narrowed(BFloat(16), rounded_to_bf16(value) >> b.of(16));
}

// Their words.
Expr pairs_to_bf16(const Pairs &pairs) {
    Bits b{pairs.even.type().lanes()};
    Expr words = (rounded_to_bf16(pairs.even) >> b.of(16)) | (rounded_to_bf16(pairs.odd) & b.of(0xffff0000u));
    return reinterpret(BFloat(16, 2 * b.lanes), reinterpret(UInt(16, 2 * b.lanes), words));
}

// The exponent is rebiased by an exact multiplication, which makes denormals normal; infinity and NaN by hand.
Expr f16_to_float(const Expr &half) {
    Bits b{half.type().lanes()};
    Expr bits = b.widened(half);
    Expr magnitude = (bits & b.of(0x7fff)) << b.of(13);
    Expr rebiased = b.of(strict(Call::strict_mul, b.value(magnitude), make_const(Float(32, b.lanes), 0x1p112)));
    Expr special = magnitude >= b.of(0x7c00 << 13);
    Expr sign = (bits & b.of(0x8000)) << b.of(16);
    return b.value(sign | select(special, magnitude | b.of(0x7f800000), rebiased));
}

Expr float_to_f16(const Expr &value) {
    Bits b{value.type().lanes()};
    Expr bits = b.of(value);
    Expr magnitude = bits & b.of(0x7fffffff);
    // Normal results: rebias, and round at bit 13; a carry goes into the exponent, up to infinity.
    Expr odd = (magnitude >> b.of(13)) & b.of(1);
    Expr normal = (magnitude - b.of(112u << 23) + b.of(0xfff) + odd) >> b.of(13);
    // Denormal results: adding 0.5 puts the spacing of f16's denormals, 2^-24, at the last bit, so the addition rounds.
    Expr half = make_const(Float(32, b.lanes), 0.5);
    Expr denormal = b.of(strict(Call::strict_add, b.value(magnitude), half)) - b.of(half);
    Expr huge = select(magnitude > b.of(0x7f800000), b.of(0x7e00), b.of(0x7c00));
    Expr rounded = select(magnitude >= b.of(143u << 23), huge, magnitude < b.of(113u << 23), denormal, normal);
    return b.narrowed(Float(16), rounded | ((bits >> b.of(16)) & b.of(0x8000)));
}

// Results of the instruction that are zero: a denormal may have been flushed.
Expr is_zero(const Expr &half) {
    const int lanes = half.type().lanes();
    // There is no result with the lowest bit alone; with all bits of the magnitude LLVM would compare bf16 numbers.
    return (reinterpret(UInt(16, lanes), half) & make_const(UInt(16, lanes), 0x7ffe)) == make_const(UInt(16, lanes), 0);
}

Expr is_nonzero(const Expr &value) {
    Bits b{value.type().lanes()};
    return (b.of(value) & b.of(0x7fffffff)) != b.of(0);
}

Expr any(const Expr &lanes) { return VectorReduce::make(VectorReduce::Or, lanes, 1); }

// What one instruction rounds: 16 even elements and the 16 odd ones beside them.
constexpr int rounded_together = 32;

Expr even_then_odd(const Pairs &pairs) {
    constexpr int half = rounded_together / 2;
    std::vector<Expr> parts;
    for (int i = 0; i < pairs.even.type().lanes(); i += half) {
        parts.push_back(Shuffle::make_slice(pairs.even, i, 1, half));
        parts.push_back(Shuffle::make_slice(pairs.odd, i, 1, half));
    }
    return Shuffle::make_concat(parts);
}

Expr side_by_side(const Expr &even_then_odd) {
    std::vector<int> from;
    for (int i = 0; i < even_then_odd.type().lanes(); i++) {
        const int within = i % rounded_together;
        from.push_back(i - within + within / 2 + within % 2 * (rounded_together / 2));
    }
    return Shuffle::make({even_then_odd}, from);
}

const Call *as_conversion(const Expr &value, const char *name) {
    const Call *call = value.as<Call>();
    return call != nullptr && call->name == name ? call : nullptr;
}

}  // namespace

bool is_half_to_float(const Call *call) { return call->name == to_float; }

Expr half_to_float(const Expr &value) {
    return Call::make(Float(32, value.type().lanes()), to_float, {value}, Call::PureExtern);
}

Expr float_to_half(const Type &type, const Expr &value) {
    const Call *widened = as_conversion(value, to_float);
    if (widened != nullptr && widened->args[0].type() == type) {
        return widened->args[0];
    }
    return Call::make(type, to_half, {value}, Call::PureExtern);
}

Expr HalfConvertPass::visit(const Call *op) {
    if (op->name == to_float) {
        Expr half = mutate(op->args[0]);
        if (half.type().is_bfloat()) {
            return bf16_to_float(half);
        }
        return native_f16_ ? cast(op->type, half) : f16_to_float(half);
    }
    if (op->name == to_half) {
        Expr value = mutate(op->args[0]);
        if (op->type.is_bfloat()) {
            return float_to_bf16(value);
        }
        return native_f16_ ? cast(op->type, value) : float_to_f16(value);
    }
    return IRMutator::visit(op);
}

Stmt HalfConvertPass::visit(const LetStmt *op) {
    const Stmt store = vector_in_store(op);
    return store.defined() ? mutate(store) : IRMutator::visit(op);
}

Stmt HalfConvertPass::visit(const Store *op) {
    const bool whole =
        op->value.type().is_bfloat() && op->value.type().lanes() % rounded_together == 0 && is_const_one(op->predicate);
    const Expr value = whole ? substitute_in_all_lets(op->value) : op->value;
    const Call *conversion = as_conversion(value, to_half);
    if (!whole || conversion == nullptr) {
        return IRMutator::visit(op);
    }
    const Expr &unrounded = conversion->args[0];
    if (native_bf16_) {
        return store_rounded_by_hardware(op, unrounded);
    }
    if (const std::optional<Pairs> pairs = split_pairs(unrounded)) {
        const Expr words = common_subexpression_elimination(pairs_to_bf16({mutate(pairs->even), mutate(pairs->odd)}));
        return Store::make(op->name, words, op->index, op->param, op->predicate, op->alignment);
    }
    return IRMutator::visit(op);
}

// The bf16 instruction flushes denormals, so a block with one among them takes the other way. Most blocks have no zero
// among their results either, which is quicker to see.
Stmt HalfConvertPass::store_rounded_by_hardware(const Store *op, const Expr &value) {
    const std::optional<Pairs> pairs = split_pairs(value);
    const auto in_order = [&](const Expr &halves) { return pairs ? side_by_side(halves) : halves; };
    const Type type = op->value.type();
    std::string unrounded_name = unique_name("unrounded"), converted_name = unique_name("converted");
    Expr unrounded = Variable::make(Float(32, type.lanes()), unrounded_name);
    Expr converted = Variable::make(UInt(16, type.lanes()), converted_name);
    auto store = [&](const Expr &halves) {
        return Store::make(op->name, in_order(halves), op->index, op->param, op->predicate, op->alignment);
    };
    Stmt chosen = IfThenElse::make(any(is_zero(converted)) && any(is_zero(converted) && is_nonzero(unrounded)),
                                   store(float_to_bf16(unrounded)), store(reinterpret(type, converted)));
    Expr convert = Call::make(converted.type(), "vcvtne2ps2bf16", {unrounded}, Call::PureExtern);
    const Expr all = mutate(common_subexpression_elimination(pairs ? even_then_odd(*pairs) : value));
    return LetStmt::make(unrounded_name, all, LetStmt::make(converted_name, convert, chosen));
}

}  // namespace norma
