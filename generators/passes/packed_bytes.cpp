// SPDX-License-Identifier: MIT
#include "packed_bytes.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "fused_multiply_add.h"
#include "half_pairs.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int packed_together = 4, words_of_vector = 16;

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

// In order, of words that hold two bytes each. LLVM joins two vectors by one permutation, but narrows what it sees as
// one.
Expr low_halves(const std::vector<Expr> &words) {
    std::vector<Expr> parts;
    for (size_t i = 0; i < words.size(); i += 2) {
        std::vector<Expr> vectors;
        for (size_t k = i; k < std::min(i + 2, words.size()); k++) {
            vectors.push_back(reinterpret(UInt(16, 2 * words[k].type().lanes()), words[k]));
        }
        std::vector<int> indices(vectors.size() * words[i].type().lanes());
        for (size_t k = 0; k < indices.size(); k++) {
            indices[k] = (int)(2 * k);
        }
        parts.push_back(Shuffle::make(vectors, indices));
    }
    return Shuffle::make_concat(parts);
}

// Vectors of words of two bytes, by what makes them of the even and the odd elements.
template <class Join>
std::vector<Expr> joined(const Pairs &pairs, const Join &join) {
    const int lanes = pairs.even.type().lanes(), width = std::min(lanes, words_of_vector);
    std::vector<Expr> words;
    for (int from = 0; from < lanes; from += width) {
        words.push_back(
            join(Shuffle::make_slice(pairs.even, from, 1, width), Shuffle::make_slice(pairs.odd, from, 1, width)));
    }
    return words;
}

// Integers from -127 to 127 that values times a number round to, by one sum for two: what 256 times the odd one is
// added to, rounds the even one. A negative even one is taken from the odd byte, which adding 128 gives back.
Expr rounded_pairs(const Pairs &values, const Expr &number) {
    const Expr halves = low_halves(joined(values, [&](const Expr &even, const Expr &odd) {
        const auto all = [&](const Expr &of) { return Broadcast::make(of, odd.type().lanes()); };
        const Expr rounded = fused_multiply_add(odd, all(number), all(to_integer));
        const Expr times_256 = fused_multiply_add(rounded, all(256.0f), all(to_integer - 256 * to_integer));
        return reinterpret(UInt(32, odd.type().lanes()), fused_multiply_add(even, all(number), times_256));
    }));
    const Expr sign_of_even = make_const(halves.type(), 0x80);
    return (halves + sign_of_even) ^ sign_of_even;
}

// Undefined if the words are other ones.
Expr packed_integers(const Expr &words) {
    const Reinterpret *bits = words.as<Reinterpret>();
    const Call *sum = bits != nullptr ? as_fused_multiply_add(bits->value) : nullptr;
    const Broadcast *number = sum != nullptr ? sum->args[1].as<Broadcast>() : nullptr;
    if (number == nullptr || !equal(sum->args[2], make_const(sum->type, to_integer))) {
        return Expr();
    }
    const std::optional<Pairs> values = split_pairs(sum->args[0]);
    return values ? rounded_pairs(*values, number->value) : Expr();
}

// Words whose elements are 0 2 4.. and 1 3 5..
Expr packed_pairs(const Pairs &words) {
    return low_halves(joined(words, [](const Expr &even, const Expr &odd) { return side_by_side(even, odd, 8); }));
}

Expr packed(const Expr &words) {
    const auto quarter = [&](int i) { return part(words, i, packed_together); };
    const Expr first = side_by_side(quarter(0), quarter(1), 8), second = side_by_side(quarter(2), quarter(3), 8);
    const Expr quads = side_by_side(first, second, 16);
    return transposed(reinterpret(UInt(8, words.type().lanes()), quads), packed_together);
}

// A vector of bytes of 32-bit numbers, or what `and` and `or` make of such, made of packed ones; else undefined.
Expr packed_bytes(const Expr &vector) {
    const Type type = vector.type();
    if (vector.as<Broadcast>() != nullptr) {
        return vector;
    }
    if (const Call *call = vector.as<Call>()) {
        const bool is_bitwise = call->is_intrinsic({Call::bitwise_and, Call::bitwise_or});
        const Expr a = is_bitwise ? packed_bytes(call->args[0]) : Expr(),
                   b = a.defined() ? packed_bytes(call->args[1]) : Expr();
        return b.defined() ? Call::make(type, call->name, {a, b}, call->call_type) : Expr();
    }
    const Cast *narrowed = vector.as<Cast>();
    if (narrowed != nullptr && narrowed->value.type().bits() == 8) {
        const Expr bytes = packed_bytes(narrowed->value);
        return bytes.defined() ? reinterpret(type, bytes) : Expr();
    }
    if (narrowed == nullptr || narrowed->value.type().bits() != 32 || narrowed->value.type().is_float()) {
        return Expr();
    }
    if (const Expr integers = type.is_int() ? packed_integers(narrowed->value) : Expr(); integers.defined()) {
        return reinterpret(type, integers);
    }
    const Expr words = reinterpret(UInt(32, type.lanes()), narrowed->value);
    const std::optional<Pairs> pairs = split_pairs(words);
    return reinterpret(type, pairs ? packed_pairs(*pairs) : packed(words));
}

}  // namespace

Stmt PackedBytesPass::visit(const LetStmt *op) {
    const Stmt store = vector_in_store(op);
    return store.defined() ? mutate(store) : IRMutator::visit(op);
}

Stmt PackedBytesPass::visit(const Store *op) {
    const Type type = op->value.type();
    const bool whole = type.bits() == 8 && type.lanes() % packed_together == 0 && is_const_one(op->predicate);
    const Expr bytes = whole ? packed_bytes(substitute_in_all_lets(op->value)) : Expr();
    if (!bytes.defined() || bytes.as<Broadcast>() != nullptr) {
        return IRMutator::visit(op);
    }
    return Store::make(op->name, common_subexpression_elimination(bytes), op->index, op->param, op->predicate,
                       op->alignment);
}

}  // namespace norma
