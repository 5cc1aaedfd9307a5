// SPDX-License-Identifier: MIT
#include "lane_tree.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const tree = "norma_lane_tree", *const fold = "norma_fold_lanes";

// Of a row that shares a vector with another.
constexpr int most_paired_lanes = 8;

Expr element(const Func &f, int lane, const Expr &at, int i) {
    return f.outputs() == 1 ? Expr(f(lane, at)) : Expr(f(lane, at)[i]);
}

}  // namespace

// Both ends of the lanes, so that bounds inference sees all of them.
Expr lane_tree(const Func &f, int lanes, int wide, const Expr &at, int i) {
    return Call::make(Float(64), tree, {element(f, 0, at, i), element(f, lanes - 1, at, i), lanes, wide},
                      Call::PureExtern);
}

Expr fold_lanes(const Func &f, int lanes, int wide, const Var &lane, const Expr &at, int i) {
    const Expr first = element(f, 0, at, i);
    return Call::make(first.type().is_float() ? Float(64) : first.type(), fold,
                      {first, element(f, lanes - 1, at, i), lanes, wide, lane}, Call::PureExtern);
}

namespace {

// Values in the order in which each uses those before it: without names, one used twice would be generated twice.
class Steps {
public:
    Expr name(const Expr &value) {
        steps_.emplace_back(unique_name("lanes"), value);
        return Variable::make(value.type(), steps_.back().first);
    }
    Expr in(Expr result) const {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            result = Let::make(step->first, step->second, result);
        }
        return result;
    }

private:
    std::vector<std::pair<std::string, Expr>> steps_;
};

// The lower or the upper halves of the lanes of each row, where vectors hold rows one after the other.
Expr halves(const std::vector<Expr> &vectors, int lanes_of_row, bool upper) {
    const int lanes = (int)vectors.size() * vectors[0].type().lanes(), half = lanes_of_row / 2;
    std::vector<int> indices;
    for (int row = upper ? half : 0; row < lanes; row += lanes_of_row) {
        for (int lane = 0; lane < half; lane++) {
            indices.push_back(row + lane);
        }
    }
    return Shuffle::make(vectors, indices);
}

Expr together(const Expr &a, const Expr &b) {
    return a.type().is_float() ? Call::make(a.type(), Call::strict_add, {a, b}, Call::PureIntrinsic) : max(a, b);
}

// Until `left` lanes of each row are left. Two rows come together in one vector as their lanes get fewer, so that
// vectors stay as long as they are.
Expr in_halves(const std::vector<Expr> &loaded, int lanes, int wide, int left) {
    Steps steps;
    std::vector<Expr> vectors;
    for (const Expr &vector : loaded) {
        vectors.push_back(steps.name(vector));
    }
    for (; lanes > left; lanes /= 2) {
        for (Expr &vector : vectors) {
            const bool widens = lanes <= wide && vector.type().is_float() && vector.type().bits() == 32;
            vector = widens ? steps.name(cast(Float(64, vector.type().lanes()), vector)) : vector;
        }
        const size_t pair = lanes <= most_paired_lanes && vectors.size() % 2 == 0 ? 2 : 1;
        std::vector<Expr> fewer;
        for (auto vector = vectors.begin(); vector != vectors.end(); vector += pair) {
            const std::vector<Expr> both(vector, vector + pair);
            fewer.push_back(steps.name(together(halves(both, lanes, false), halves(both, lanes, true))));
        }
        vectors = fewer;
    }
    return steps.in(vectors.size() == 1 ? vectors[0] : Shuffle::make_concat(vectors));
}

std::vector<Expr> rows_in_memory(Expr first, int lanes, int rows) {
    if (const Broadcast *same = first.as<Broadcast>()) {
        first = same->value;
    }
    const Load *load = first.as<Load>();
    const Ramp *ramp = load == nullptr ? nullptr : load->index.as<Ramp>();
    if (load == nullptr || (load->type.is_vector() && ramp == nullptr)) {
        throw std::logic_error("lane_tree: the lanes of a sum are not in memory of their own");
    }
    std::vector<Expr> vectors;
    for (int row = 0; row < rows; row++) {
        const Expr base = ramp == nullptr ? load->index : simplify(ramp->base + row * ramp->stride);
        vectors.push_back(Load::make(load->type.with_lanes(lanes), load->name, Ramp::make(base, 1, lanes), load->image,
                                     load->param, const_true(lanes),
                                     ramp == nullptr ? load->alignment : ModulusRemainder()));
    }
    return vectors;
}

}  // namespace

Expr LaneTreePass::visit(const Call *op) {
    const auto number = [&](size_t i) { return (int)*as_const_int(op->args[i]); };
    if (op->name == tree) {
        return in_halves(rows_in_memory(op->args[0], number(2), op->type.lanes()), number(2), number(3), 1);
    }
    if (op->name == fold) {
        return in_halves(rows_in_memory(op->args[0], number(2), 1), number(2), number(3), op->type.lanes());
    }
    return IRMutator::visit(op);
}

}  // namespace norma
