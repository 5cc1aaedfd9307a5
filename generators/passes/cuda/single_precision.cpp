// SPDX-License-Identifier: MIT
#include "single_precision.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

class SinglePrecision : public IRMutator {
    using IRMutator::visit;

    Expr visit(const Cast *op) override {
        return cast(narrowed(op->type), mutate(op->value));  // to its own type is no operation
    }

    Expr visit(const FloatImm *op) override { return make_const(narrowed(op->type), op->value); }

    Expr visit(const Call *op) override {
        if (op->type == Float(64) && op->call_type == Call::Halide) {
            return cast(Float(32), op);
        }
        std::vector<Expr> arguments;
        for (const Expr &argument : op->args) {
            arguments.push_back(mutate(argument));
        }
        if (op->name == "sqrt_f64") {
            return sqrt(arguments[0]);
        }
        return Call::make(narrowed(op->type), op->name, arguments, op->call_type, op->func, op->value_index, op->image,
                          op->param);
    }

    static Type narrowed(const Type &type) { return type == Float(64) ? Float(32) : type; }
};

}  // namespace

Expr in_single_precision(const Expr &value) { return SinglePrecision().mutate(value); }

}  // namespace norma
