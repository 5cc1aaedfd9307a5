// SPDX-License-Identifier: MIT
#include "register_row.h"

#include <sstream>
#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

void RegisterRowPass::finish() {
    if (loads_ == 0 || stores_ == 0) {
        throw std::logic_error("register_row: " + func_ + " is never stored, or never loaded");
    }
}

// Halide numbers the allocations of a kernel.
bool RegisterRowPass::is_ours(const std::string &name) const { return name.rfind(func_ + ".", 0) == 0; }

Expr RegisterRowPass::own(const Expr &index) const {
    for (bool of_host : {false, true}) {
        if (const auto own = register_of_thread(expanded(index, of_host), vector_, warps_, slots_)) {
            return *own;
        }
    }
    std::ostringstream text;
    text << "register_row: " << func_ << "[" << expanded(index, true) << "] is not a register of one thread";
    throw std::logic_error(text.str());
}

Expr RegisterRowPass::visit(const Load *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    loads_++;
    return Load::make(op->type, op->name, own(op->index), op->image, op->param, op->predicate, ModulusRemainder());
}

Stmt RegisterRowPass::visit(const Store *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    stores_++;
    return Store::make(op->name, mutate(op->value), own(op->index), op->param, op->predicate, ModulusRemainder());
}

Stmt RegisterRowPass::visit(const Allocate *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    return Allocate::make(op->name, op->type, op->memory_type, {slots_}, op->condition, mutate(op->body));
}

}  // namespace norma
