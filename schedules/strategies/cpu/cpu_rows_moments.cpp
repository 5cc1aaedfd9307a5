// SPDX-License-Identifier: MIT
// The mean square of a row, and its mean and variance: one sweep for nearly all rows. Those whose squares leave the
// range of fp32, and those whose mean is far from where it was looked for, are swept again; the row alone decides.
#include "cpu_rows.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/cpu/rare_sweep.h"

namespace norma {

using namespace Halide;

namespace {

constexpr int rare_lanes = 16;

bool squares_stay_in_range(norma_dtype held) { return held == NORMA_F16; }

Expr square(const Expr &value) { return value * value; }

}  // namespace

// What each addition rounds away is summed beside, so there is no need for chunks, and lanes are few: the code is
// small, and the same on every target.
std::vector<Expr> CpuRow::means_where(const Expr &condition, const std::string &name, const std::vector<Term> &terms,
                                      const std::function<Expr(Expr)> &finish) {
    const size_t count = terms.size();
    Sum sum;
    sum.lanes = sum.total_lanes = rare_lanes;
    sum.one_chunk = false;
    sum.condition = condition;
    sum.total = Func(name + "_total");
    sum.total(lane_, r_) = Tuple(std::vector<Expr>(2 * count, 0.0f));
    auto add = [&](const Expr &lane, const Expr &d) {
        std::vector<Expr> sums(2 * count);
        for (size_t i = 0; i < count; i++) {
            Expr before = sum.total(lane, r_)[i], added = terms[i].value(d);
            sums[i] = before + added;
            sums[i + count] = sum.total(lane, r_)[i + count] + rounding_error(before, added, sums[i]);
        }
        sum.total(lane, r_) = Tuple(sums);
    };
    RDom k(0, extent_ / sum.lanes, name + "_block");
    sum.part = k.x;
    add(lane_, element(k, lane_, sum.lanes));
    if (has_tail(sum.lanes)) {
        RDom rest(0, extent_ % sum.lanes, name + "_rest");
        sum.rest = rest.x;
        add(rest, extent_ / sum.lanes * sum.lanes + rest);
    }
    std::vector<Expr> means;
    for (size_t i = 0; i < count; i++) {
        means.push_back(only_where(condition, finish(mean_of(sum, i, count))));
    }
    sum.mean = Func(name);
    sum.mean(r_) = Tuple(means);
    sums_.push_back(sum);
    for (size_t i = 0; i < count; i++) {
        means[i] = count == 1 ? Expr(sum.mean(row_that_is_there())) : Expr(sum.mean(row_that_is_there())[i]);
    }
    return means;
}

Expr CpuRow::mean_square(const std::string &name, const RowValue &x, norma_dtype held, const Expr &eps) {
    return rescaled(name, x, held, eps, mean(name, {x, x}));
}

Row::MeanSquareAndAmax CpuRow::mean_square_and_amax(const std::string &name, const RowValue &x, norma_dtype held,
                                                    const Expr &eps, const RowValue &value) {
    const Reduced reduced = reduce(name, {{x, x}}, value);
    return {rescaled(name, x, held, eps, reduced.means[0]), reduced.amax};
}

Expr CpuRow::rescaled(const std::string &name, const RowValue &x, norma_dtype held, const Expr &eps,
                      const Expr &mean_square) {
    if (squares_stay_in_range(held)) {
        return mean_square;
    }
    Expr leaves = once(name + "_leaves_range", leaves_range(mean_square, eps, 0.0f));
    Expr scale = rescaling(mean_square);
    RowValue scaled = [=](Expr d) { return x(d) * scale; };
    const auto unscaled = [&](const Expr &value) { return value * square(cast<double>(unscaling(mean_square))); };
    return rarely(leaves, means_where(leaves, name + "_scaled", {{scaled, scaled}}, unscaled)[0], mean_square);
}

namespace {

Moments rarely_else(const Expr &condition, const Moments &rare, const Moments &usual) {
    const auto either = [&](Expr Moments::*member) { return rarely(condition, rare.*member, usual.*member); };
    return {either(&Moments::scale), either(&Moments::unscale),  either(&Moments::shift),
            either(&Moments::mean),  either(&Moments::variance), either(&Moments::as_is)};
}

Expr variance_of(const std::vector<Expr> &means) { return non_negative(means[1] - square(means[0])); }

}  // namespace

// Around 0, where nothing is rounded, the mean is found together with the variance. How much of this is lost depends on
// how many standard deviations the mean is away from 0; where it is more than 2, both are looked for again around the
// mean. So they are where the squares have left the range of fp32.
Moments CpuRow::moments(const std::string &name, const RowValue &x, norma_dtype held, const Expr &eps) {
    const std::vector<Expr> first = means(name + "_first", {{x}, {x, x}});
    Expr again = square(first[0]) > 4 * variance_of(first);
    Expr scale = 1.0f, unscale = 1.0f, near_mean = first[0];
    if (squares_stay_in_range(held)) {
        again = once(name + "_again", again);
    } else {
        Expr leaves = leaves_range(first[1], eps, 0.0f);
        const std::vector<Expr> is_rare = once_together(name + "_again", {again || leaves, leaves});
        again = is_rare[0];
        leaves = is_rare[1];
        scale = select(leaves, rescaling(first[1]), 1.0f);
        unscale = select(leaves, unscaling(first[1]), 1.0f);
        const Term scaled{centre(x, scale, 0.0f)};
        near_mean = select(leaves, means_where(leaves, name + "_scaled", {scaled})[0], near_mean);
    }
    const Expr shift = finite_or_zero(cast<float>(near_mean));
    const RowValue centred = centre(x, scale, -shift);
    const std::vector<Expr> second = means_where(again, name + "_second", {{centred}, {centred, centred}});
    return rarely_else(again, around(scale, unscale, shift, second[0], variance_of(second)),
                       {1.0f, 1.0f, 0.0f, first[0], variance_of(first), Internal::const_true()});
}

}  // namespace norma
