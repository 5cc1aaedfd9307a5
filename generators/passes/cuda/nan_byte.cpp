// SPDX-License-Identifier: MIT
#include "nan_byte.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int no_low_bits = 0x7f000000;  // below the NaNs, and above every sum that rounds to an integer

const Call *as_call(const Expr &value, Call::IntrinsicOp name) {
    const Call *call = value.as<Call>();
    return call != nullptr && call->is_intrinsic(name) ? call : nullptr;
}

}  // namespace

Expr NanBytePass::visit(const Cast *op) {
    const Reinterpret *bits = op->type.bits() == 8 ? op->value.as<Reinterpret>() : nullptr;
    const Select *choice = bits != nullptr ? bits->value.as<Select>() : nullptr;
    const Call *is_number = choice != nullptr ? as_call(choice->condition, Call::strict_eq) : nullptr;
    const Call *sum = choice != nullptr ? as_call(choice->true_value, Call::strict_add) : nullptr;
    if (is_number == nullptr || sum == nullptr || !is_const_zero(choice->false_value) ||
        !equal(is_number->args[0], is_number->args[1]) || !equal(is_number->args[0], sum->args[0])) {
        return IRMutator::visit(op);
    }
    const Type type = Int(32, op->type.lanes());
    return cast(op->type, min(reinterpret(type, mutate(choice->true_value)), make_const(type, no_low_bits)));
}

}  // namespace norma
