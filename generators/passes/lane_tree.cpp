// SPDX-License-Identifier: MIT
#include "lane_tree.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const placeholder = "norma_lane_tree";

}  // namespace

Expr lane_tree(const Func &f, int lanes, const Expr &at, int i) {
    auto lane = [&](int l) { return f.outputs() == 1 ? Expr(f(l, at)) : Expr(f(l, at)[i]); };
    // Both ends, so that bounds inference sees the whole vector.
    return Call::make(Float(32), placeholder, {lane(0), lane(lanes - 1), lanes}, Call::PureExtern);
}

Expr LaneTreePass::visit(const Call *op) {
    if (op->name != placeholder) {
        return IRMutator::visit(op);
    }
    const Load *first = op->args[0].as<Load>();
    if (first == nullptr) {
        throw std::logic_error("lane_tree: the lanes of a sum are not in memory of their own");
    }
    int lanes = (int)*as_const_int(op->args[2]);
    Expr sum = Load::make(Float(32, lanes), first->name, Ramp::make(first->index, 1, lanes), first->image, first->param,
                          const_true(lanes), first->alignment);
    for (int half = lanes / 2; half >= 1; half /= 2) {
        Expr low = Shuffle::make_slice(sum, 0, 1, half), high = Shuffle::make_slice(sum, half, 1, half);
        sum = Call::make(Float(32, half), Call::strict_add, {low, high}, Call::PureIntrinsic);
    }
    return sum;
}

}  // namespace norma
