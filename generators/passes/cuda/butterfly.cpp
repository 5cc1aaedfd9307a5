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

struct FindVariable : IRVisitor {
    using IRVisitor::visit;
    void visit(const Variable *op) override { name = op->name; }
    std::string name;
};

// The distance where every lane reads the one whose number differs in one bit; 0 elsewhere.
int exchange_distance(const Expr &lane_read) {
    FindVariable lane;
    lane_read.accept(&lane);
    int distance = 0;
    for (int i = 0; i < 32; i++) {
        const auto read = as_const_int(simplify(substitute(lane.name, i, lane_read)));
        const int differs = read ? (int)*read ^ i : 0;
        if (differs == 0 || (differs & (differs - 1)) != 0 || (i > 0 && differs != distance)) {
            return 0;
        }
        distance = differs;
    }
    return distance;
}

}  // namespace

void ButterflyPass::finish() {
    if (exchanges_ != expected_) {
        throw std::logic_error("butterfly: " + std::to_string(exchanges_) + " exchanges of lanes; expected " +
                               std::to_string(expected_));
    }
}

Expr ButterflyPass::visit(const Select *op) {
    const Call *up = shuffle(op->true_value, "up."), *down = shuffle(op->false_value, "down.");
    if (up == nullptr) {
        up = shuffle(op->false_value, "up."), down = shuffle(op->true_value, "down.");
    }
    if (up == nullptr || down == nullptr) {
        return KernelPass::visit(op);
    }
    return exchange(down, down->args[2]);
}

// Halide numbers the allocations of a kernel.
bool ButterflyPass::is_same(const Expr &value) const {
    const Load *load = value.as<Load>();
    return load != nullptr && same_.count(load->name.substr(0, load->name.find('.'))) != 0;
}

Expr ButterflyPass::exchange(const Call *op, const Expr &distance) {
    exchanges_++;
    std::string name = op->name;
    const size_t direction = name.find("shfl.sync.") + 10;
    name.replace(direction, name.find('.', direction) - direction, "bfly");
    // 31: lanes are exchanged within the whole warp.
    return Call::make(op->type, name, {op->args[0], mutate(op->args[1]), distance, Expr(31)}, Call::PureExtern);
}

Expr ButterflyPass::visit(const Call *op) {
    // A number read from one lane alone is well defined, any other shuffle is not what a strategy asks for.
    const Call *indexed = shuffle(op, "idx.");
    if (op->name.find("shfl.sync.") != std::string::npos && indexed == nullptr) {
        throw std::logic_error("butterfly: " + op->name + " is no exchange of lanes");
    }
    if (indexed != nullptr) {
        if (const int distance = exchange_distance(expanded(op->args[2]))) {
            return exchange(op, distance);
        }
        if (is_same(op->args[1])) {
            return op->args[1];
        }
    }
    return KernelPass::visit(op);
}

}  // namespace norma
