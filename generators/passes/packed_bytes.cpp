// SPDX-License-Identifier: MIT
#include "packed_bytes.h"

#include "half_pairs.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int packed_together = 4;

// The low `bits` of `low`, and above them those of `high`.
Expr side_by_side(const Expr &low, const Expr &high, int bits) {
    const Type &type = low.type();
    return (low & make_const(type, (1u << bits) - 1)) | (high << make_const(type, bits));
}

Expr part(const Expr &vector, int i, int of) {
    const int lanes = vector.type().lanes() / of;
    return Shuffle::make_slice(vector, i * lanes, 1, lanes);
}

// Pieces of a vector one after the other, where its elements lie as if it were a table of `columns` that is read by
// row.
Expr transposed(const Expr &vector, int columns) {
    const int lanes = vector.type().lanes();
    std::vector<int> indices(lanes);
    for (int i = 0; i < lanes; i++) {
        indices[i] = i % (lanes / columns) * columns + i / (lanes / columns);
    }
    return Shuffle::make({vector}, indices);
}

// Words whose elements are 0 2 4.. and 1 3 5.., and the bytes of all in order.
Expr packed_pairs(const Pairs &words) {
    const Expr pairs = side_by_side(words.even, words.odd, 8);
    const Expr quads = side_by_side(part(pairs, 0, 2), part(pairs, 1, 2), 16);
    return transposed(reinterpret(UInt(16, pairs.type().lanes()), quads), 2);
}

Expr packed(const Expr &words) {
    const auto quarter = [&](int i) { return part(words, i, packed_together); };
    const Expr first = side_by_side(quarter(0), quarter(1), 8), second = side_by_side(quarter(2), quarter(3), 8);
    const Expr quads = side_by_side(first, second, 16);
    return transposed(reinterpret(UInt(8, words.type().lanes()), quads), packed_together);
}

}  // namespace

Stmt PackedBytesPass::visit(const LetStmt *op) {
    const Stmt store = vector_in_store(op);
    return store.defined() ? mutate(store) : IRMutator::visit(op);
}

Stmt PackedBytesPass::visit(const Store *op) {
    const Expr value = op->value.type().bits() == 8 ? substitute_in_all_lets(op->value) : Expr();
    const Cast *narrowed = value.defined() ? value.as<Cast>() : nullptr;
    if (narrowed == nullptr || op->value.type().lanes() % packed_together != 0 || !is_const_one(op->predicate) ||
        narrowed->value.type().bits() != 32 || narrowed->value.type().is_float()) {
        return IRMutator::visit(op);
    }
    const Expr words = reinterpret(UInt(32, op->value.type().lanes()), narrowed->value);
    const std::optional<Pairs> pairs = split_pairs(words);
    const Expr bytes = common_subexpression_elimination(pairs ? packed_pairs(*pairs) : packed(words));
    return Store::make(op->name, reinterpret(op->value.type(), bytes), op->index, op->param, op->predicate,
                       op->alignment);
}

}  // namespace norma
