// SPDX-License-Identifier: MIT
#include "every_lane.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt EveryLanePass::visit(const LetStmt *op) {
    const bool skips = stages_.count(op->name.substr(0, op->name.find(".loaded"))) != 0;
    return skips ? LetStmt::make(op->name, const_true(), mutate(op->body)) : IRMutator::visit(op);
}

}  // namespace norma
