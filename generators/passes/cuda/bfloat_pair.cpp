// SPDX-License-Identifier: MIT
#include "bfloat_pair.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

Expr rounded(const Expr &low, const Expr &high) {
    return Call::make(UInt(32), bfloat_pair_function, {low, high}, Call::PureExtern);
}

Expr narrow(const Type &type, const Expr &value) {
    if (type.lanes() == 1) {
        return reinterpret(type, cast(UInt(16), rounded(value, 0.0f)));
    }
    const std::string name = unique_name("unrounded");
    const Expr unrounded = Variable::make(value.type(), name);
    auto element = [&](int i) { return Shuffle::make_extract_element(unrounded, i); };
    std::vector<Expr> pairs;
    for (int i = 0; i < type.lanes(); i += 2) {
        pairs.push_back(rounded(element(i), element(i + 1)));
    }
    return Let::make(name, value, reinterpret(type, pairs.size() == 1 ? pairs[0] : Shuffle::make_concat(pairs)));
}

Expr widen(const Expr &halves) {
    const Type words(Type::UInt, 32, halves.type().lanes() / 2), floats = Float(32, words.lanes());
    const std::string name = unique_name("words");
    const Expr pairs = Variable::make(words, name);
    const Expr low = reinterpret(floats, pairs << make_const(words, 16));
    const Expr high = reinterpret(floats, pairs & make_const(words, 0xffff0000u));
    return Let::make(name, reinterpret(words, halves), Shuffle::make_interleave({low, high}));
}

}  // namespace

Expr BfloatPairPass::visit(const Call *op) {
    if (op->name == "norma_float_to_half" && op->type.is_bfloat()) {
        return narrow(op->type, mutate(op->args[0]));
    }
    if (op->name == "norma_half_to_float" && op->args[0].type().is_bfloat() && op->type.lanes() > 1) {
        return widen(mutate(op->args[0]));
    }
    return IRMutator::visit(op);
}

}  // namespace norma
