// SPDX-License-Identifier: MIT
#include "lane_tree.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const placeholder = "norma_lane_tree";

}  // namespace

Expr lane_tree(const Func &f, int lanes, int wide, const Expr &at, int i) {
    auto lane = [&](int l) { return f.outputs() == 1 ? Expr(f(l, at)) : Expr(f(l, at)[i]); };
    // Both ends, so that bounds inference sees the whole vector.
    return Call::make(Float(64), placeholder, {lane(0), lane(lanes - 1), lanes, wide}, Call::PureExtern);
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
    // A let for each level: an expression used twice would be generated twice, and that at every level.
    std::vector<std::pair<std::string, Expr>> levels;
    auto name_level = [&](const Expr &value) {
        levels.emplace_back(unique_name("lanes"), value);
        return Variable::make(value.type(), levels.back().first);
    };
    const int wide = (int)*as_const_int(op->args[3]);
    Expr sum = name_level(Load::make(Float(32, lanes), first->name, Ramp::make(first->index, 1, lanes), first->image,
                                     first->param, const_true(lanes), first->alignment));
    for (int half = lanes / 2; half >= 1; half /= 2) {
        if (half < wide && sum.type().bits() == 32) {
            sum = name_level(cast(Float(64, 2 * half), sum));
        }
        Expr low = Shuffle::make_slice(sum, 0, 1, half), high = Shuffle::make_slice(sum, half, 1, half);
        sum = name_level(Call::make(low.type(), Call::strict_add, {low, high}, Call::PureIntrinsic));
    }
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
        sum = Let::make(level->first, level->second, sum);
    }
    return sum;
}

}  // namespace norma
