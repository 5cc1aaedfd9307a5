// SPDX-License-Identifier: MIT
#include "butterfly.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const Call *shuffle(const Expr &value, const char *direction) {
    const Call *call = value.as<Call>();
    const bool found = call != nullptr && call->name.find(std::string("shfl.sync.") + direction) != std::string::npos;
    return found ? call : nullptr;
}

}  // namespace

Stmt ButterflyPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0 && rotations_ != expected_) {
        throw std::logic_error("butterfly: " + std::to_string(rotations_) + " rotations of lanes; expected " +
                               std::to_string(expected_));
    }
    return result;
}

Expr ButterflyPass::visit(const Select *op) {
    const Call *up = shuffle(op->true_value, "up."), *down = shuffle(op->false_value, "down.");
    if (up == nullptr) {
        up = shuffle(op->false_value, "up."), down = shuffle(op->true_value, "down.");
    }
    if (up == nullptr || down == nullptr) {
        return IRMutator::visit(op);
    }
    rotations_++;
    std::string name = down->name;
    name.replace(name.find(".down."), 6, ".bfly.");
    // 31: lanes are exchanged within the whole warp.
    return Call::make(down->type, name, {down->args[0], mutate(down->args[1]), down->args[2], Expr(31)},
                      Call::PureExtern);
}

Expr ButterflyPass::visit(const Call *op) {
    // A number read from one lane alone is well defined, any other shuffle is not what a strategy asks for.
    if (op->name.find("shfl.sync.") != std::string::npos && op->name.find(".idx.") == std::string::npos) {
        throw std::logic_error("butterfly: " + op->name + " is no part of a rotation");
    }
    return IRMutator::visit(op);
}

}  // namespace norma
