// SPDX-License-Identifier: MIT
#include "wide_access.h"

#include <algorithm>
#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int most_bits = 128;

// How a vector is cut: into `pieces` of `type`, each standing for `elements` of its elements.
struct Cut {
    Type type;
    int pieces, elements;

    Cut(const Type &vector, bool any_alignment) {
        const int bits = any_alignment ? vector.bits() : std::min(vector.bits() * vector.lanes(), most_bits);
        // Less than 16 bytes are one integer: Halide takes a vector for as aligned as the elements of its buffer.
        type = bits < most_bits ? UInt(bits) : vector.bits() == 32 ? vector.with_lanes(4) : UInt(32, 4);
        elements = bits / vector.bits();
        pieces = vector.lanes() / elements;
    }

    // The index of piece `i` in elements of `type`.
    Expr index(const Ramp *ramp, int i) const {
        const int ratio = elements / type.lanes();
        const Expr base = simplify((ramp->base + i * elements) / ratio);
        return type.lanes() == 1 ? base : Ramp::make(base, 1, type.lanes());
    }
    ModulusRemainder alignment() const { return {type.lanes(), 0}; }
};

const Ramp *dense_ramp(const std::string &name, const Cut &cut, const Expr &index, const Expr &predicate,
                       const ModulusRemainder &alignment) {
    const Ramp *ramp = index.as<Ramp>();
    if (ramp == nullptr || !is_const_one(ramp->stride) || !is_const_one(predicate) ||
        alignment.modulus % cut.elements != 0 || alignment.remainder % cut.elements != 0) {
        throw std::logic_error("wide_access: a vector of " + name + " is not dense and aligned");
    }
    return ramp;
}

}  // namespace

Stmt WideAccessPass::mutate(const Stmt &stmt) { return IRMutator::mutate(stmt); }

Stmt WideAccessPass::visit(const For *op) {
    ScopedValue<bool> inside(in_kernel_, in_kernel_ || is_gpu(op->for_type));
    return IRMutator::visit(op);
}

Expr WideAccessPass::visit(const Load *op) {
    if (!in_kernel_ || op->type.lanes() == 1 || !op->param.defined()) {
        return IRMutator::visit(op);
    }
    const Cut cut(op->type, any_alignment_);
    const Ramp *ramp = dense_ramp(op->name, cut, op->index, op->predicate, op->alignment);
    std::vector<Expr> pieces;
    for (int i = 0; i < cut.pieces; i++) {
        pieces.push_back(Load::make(cut.type, op->name, cut.index(ramp, i), op->image, op->param,
                                    const_true(cut.type.lanes()), cut.alignment()));
    }
    const Expr all = pieces.size() == 1 ? pieces[0] : Shuffle::make_concat(pieces);
    return all.type() == op->type ? all : reinterpret(op->type, all);
}

Stmt WideAccessPass::visit(const Store *op) {
    const Type type = op->value.type();
    if (!in_kernel_ || type.lanes() == 1 || !op->param.defined()) {
        return IRMutator::visit(op);
    }
    const Cut cut(type, any_alignment_);
    const Ramp *ramp = dense_ramp(op->name, cut, op->index, op->predicate, op->alignment);
    const Type words = cut.type.with_lanes(cut.type.lanes() * cut.pieces);
    const std::string name = unique_name("stored");
    const Expr stored = Variable::make(words, name);
    Stmt pieces;
    for (int i = cut.pieces - 1; i >= 0; i--) {
        const int lanes = cut.type.lanes();
        const Expr piece = cut.pieces == 1 ? stored : Shuffle::make_slice(stored, i * lanes, 1, lanes);
        const Stmt store =
            Store::make(op->name, piece, cut.index(ramp, i), op->param, const_true(lanes), cut.alignment());
        pieces = pieces.defined() ? Block::make(store, pieces) : store;
    }
    const Expr value = mutate(op->value);
    return LetStmt::make(name, words == type ? value : reinterpret(words, value), pieces);
}

}  // namespace norma
