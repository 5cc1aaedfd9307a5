// SPDX-License-Identifier: MIT
#include "column_sums.h"

#include <sstream>
#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

Expr argument(const char *name) { return Variable::make(Int(32), name); }

std::string registers_of(const std::string &output) { return output + "_sums"; }

Expr shifted(const Expr &index, const Expr &by) {
    const Ramp *ramp = index.as<Ramp>();
    return ramp != nullptr ? Ramp::make(simplify(ramp->base + by), ramp->stride, ramp->lanes) : simplify(index + by);
}

Stmt after(const Stmt &before, const Stmt &stmt) { return before.defined() ? Block::make(before, stmt) : stmt; }

[[noreturn]] void refuse(const std::string &output, const Expr &index, const char *why) {
    std::ostringstream text;
    text << "column_sums: " << output << "[" << index << "] is not " << why;
    throw std::logic_error(text.str());
}

}  // namespace

void ColumnSumsPass::finish() {
    if (stored_ != outputs_) {
        throw std::logic_error("column_sums: " + std::to_string(stored_.size()) + " outputs are stored; expected " +
                               std::to_string(outputs_.size()));
    }
}

Stmt ColumnSumsPass::visit_step(const For *op) {
    Stmt loop =
        For::make(op->name, op->min, op->extent, op->for_type, op->partition_policy, op->device_api, mutate(op->body));
    return slots_ != 0 ? with_registers(loop) : loop;
}

Stmt ColumnSumsPass::visit(const Store *op) {
    if (outputs_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    stored_.insert(op->name);
    const Expr value = mutate(op->value);
    if (slots_ == 0) {
        return add_in_memory(op, value);
    }
    const Expr column = column_of(op);
    const auto slot = register_of_thread(column, vector_, threads_of_row_, slots_);
    if (!slot) {
        refuse(op->name, column, "a register of one thread");
    }
    const std::string registers = registers_of(op->name);
    pieces_.push_back({op->name, op->param, *slot, column});
    const Expr before =
        Load::make(value.type(), registers, *slot, Buffer<>(), Parameter(), op->predicate, ModulusRemainder());
    return Store::make(registers, before + value, *slot, Parameter(), op->predicate, ModulusRemainder());
}

Stmt ColumnSumsPass::add_in_memory(const Store *op, const Expr &value) const {
    const Expr index = in_memory(op->name, column_of(op)), added = Variable::make(value.type(), unique_name("added"));
    const ModulusRemainder alignment(vector_, 0);
    const Expr before = Load::make(value.type(), op->name, index, Buffer<>(), op->param, op->predicate, alignment);
    auto store = [&](const Expr &sum) {
        return Store::make(op->name, sum, index, op->param, op->predicate, alignment);
    };
    const Expr first = step() == 0 && argument("continued") == 0;
    return LetStmt::make(added.as<Variable>()->name, value,
                         IfThenElse::make(first, store(added), store(before + added)));
}

// The index of a store without its row, in terms of the loops.
Expr ColumnSumsPass::column_of(const Store *op) const {
    const Expr column = simplify(substitute(op->name + ".stride.1", 0, expanded(op->index)));
    if (!in_step() || expr_uses_var(column, step().as<Variable>()->name)) {
        refuse(op->name, op->index, "stored once in each step of a strip");
    }
    return column;
}

Expr ColumnSumsPass::in_memory(const std::string &output, const Expr &column) const {
    const Expr place = strip() + argument("first_strip"), stride = Variable::make(Int(32), output + ".stride.1");
    return shifted(column, select(place >= strips(), place - strips(), place) * stride);
}

// They start from zero or from what memory holds, and go there at the end.
Stmt ColumnSumsPass::with_registers(const Stmt &loop) const {
    Stmt zero, restore, flush;
    for (const Piece &piece : pieces_) {
        const int width = piece.slot.type().lanes();
        const Type type = Float(32, width);
        const std::string registers = registers_of(piece.output);
        const Expr index = in_memory(piece.output, piece.column), all = const_true(width);
        const ModulusRemainder alignment(vector_, 0);
        auto set = [&](const Expr &value) {
            return Store::make(registers, value, piece.slot, Parameter(), all, ModulusRemainder());
        };
        zero = after(zero, set(make_zero(type)));
        restore = after(restore, set(Load::make(type, piece.output, index, Buffer<>(), piece.memory, all, alignment)));
        const Expr sum = Load::make(type, registers, piece.slot, Buffer<>(), Parameter(), all, ModulusRemainder());
        flush = after(flush, Store::make(piece.output, sum, index, piece.memory, all, alignment));
    }
    const Expr is_one = strip() < strips();
    Stmt stmt = Block::make(
        {zero, IfThenElse::make(is_one && argument("continued") != 0, restore), loop, IfThenElse::make(is_one, flush)});
    for (const std::string &output : outputs_) {
        stmt = Allocate::make(registers_of(output), Float(32), MemoryType::Register, {slots_}, const_true(), stmt);
    }
    return stmt;
}

}  // namespace norma
