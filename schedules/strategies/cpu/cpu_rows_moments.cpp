// SPDX-License-Identifier: MIT
// The mean square of a row, and its mean and variance: one sweep for nearly all rows. Those whose squares leave the
// range of fp32, and those whose mean is far from where it was looked for, are swept again; the row alone decides.
#include "cpu_rows.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/cpu/rare_sweep.h"

namespace norma {

using namespace Halide;

namespace {

// Mean squares between these neither overflow nor lose bits, in rows of up to 2^24 elements.
Expr least_square() { return Internal::make_const(Float(64), 0x1p-100); }
Expr most_square() { return Internal::make_const(Float(64), 0x1p100); }
// Added to this, a mean square below the least is not seen.
constexpr float least_eps = 0x1p-76f;
// What brings any finite row between them.
constexpr float down = 0x1p-96f, up = 0x1p96f;

constexpr int rare_lanes = 16;

bool squares_stay_in_range(norma_dtype held) { return held == NORMA_F16; }

// Squares of what lies `shift` away: beside a shift of 1 no difference is that small, unless it is 0.
Expr leaves_range(const Expr &mean_square, const Expr &eps, const Expr &shift) {
    return mean_square >= most_square() || (mean_square < least_square() && eps < least_eps && abs(shift) < 1.0f);
}

// For a row that leaves the range: what it is multiplied by, and what brings it back.
Expr rescaling(const Expr &mean_square) { return select(mean_square >= most_square(), down, up); }
Expr back(const Expr &mean_square) { return select(mean_square >= most_square(), up, down); }

// Of three elements, so that one that is far from all others is not taken.
Expr middle(const Expr &a, const Expr &b, const Expr &c) { return max(min(a, b), min(max(a, b), c)); }

Expr square(const Expr &value) { return value * value; }

}  // namespace

// What each addition rounds away is summed beside, so there is no need for chunks, and lanes are few: the code is
// small, and the same on every target.
std::vector<Expr> CpuRow::means_where(const Expr &condition, const std::string &name, const std::vector<Term> &terms,
                                      const std::function<Expr(Expr)> &finish) {
    const size_t count = terms.size();
    Sum sum;
    sum.lanes = rare_lanes;
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
        means[i] = count == 1 ? Expr(sum.mean(r_)) : Expr(sum.mean(r_)[i]);
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
    Expr scale = once(name + "_scale", rescaling(mean_square));
    RowValue scaled = [=](Expr d) { return x(d) * scale; };
    const auto unscaled = [&](const Expr &value) { return value * square(cast<double>(back(mean_square))); };
    return select(leaves, means_where(leaves, name + "_scaled", {{scaled, scaled}}, unscaled)[0], mean_square);
}

// Around one of the row's elements the variance is found together with the mean. How much is lost depends on how many
// standard deviations the mean is away from that element; where it is more than 2, as in 3 of 1000 normal rows, both
// are looked for again around the mean.
Moments CpuRow::moments(const std::string &name, const RowValue &x, norma_dtype held, const Expr &eps) {
    auto terms = [&](const std::string &which, const Expr &scale, const Expr &shift) -> std::vector<Term> {
        RowValue centred = centre(x, scale, once(name + which + "_minus_shift", -shift));
        return {{centred}, {centred, centred}};
    };
    Expr scale = 1.0f, unscale = 1.0f;
    Expr shift = once(name + "_sample", finite_or_zero(middle(x(0), x(extent_ / 2), x(extent_ - 1))));
    const std::vector<Expr> first = means(name + "_first", terms("_first", scale, shift));
    Expr mean = first[0], mean_square = first[1];
    if (!squares_stay_in_range(held)) {
        Expr leaves = once(name + "_leaves_range", leaves_range(mean_square, eps, shift));
        scale = once(name + "_scale", select(leaves, rescaling(mean_square), 1.0f));
        unscale = once(name + "_unscale", select(leaves, back(mean_square), 1.0f));
        shift = once(name + "_scaled_shift", shift * scale);
        const std::vector<Expr> scaled = means_where(leaves, name + "_scaled", terms("_scaled", scale, shift));
        mean = once(name + "_scaled_mean", select(leaves, scaled[0], mean));
        mean_square = once(name + "_scaled_square", select(leaves, scaled[1], mean_square));
    }
    Expr variance = once(name + "_near_variance", non_negative(mean_square - square(mean)));
    Expr far = once(name + "_far", square(mean) > 4 * variance);
    shift = once(name + "_shift", select(far, cast<float>(cast<double>(shift) + mean), shift));
    const std::vector<Expr> again = means_where(far, name + "_far", terms("_far", scale, shift));
    mean = once(name + "_mean", select(far, again[0], mean));
    variance = once(name + "_variance", select(far, non_negative(again[1] - square(again[0])), variance));
    // An element of a row that lies around zero is used as it is: its difference to a shift would be rounded.
    Expr whole_mean = once(name + "_whole_mean", cast<double>(shift) + mean);
    Expr around_zero = once(name + "_around_zero", square(whole_mean) <= 4 * variance);
    return {scale,
            unscale,
            once(name + "_last_shift", select(around_zero, 0.0f, shift)),
            once(name + "_last_mean", select(around_zero, whole_mean, mean)),
            variance,
            once(name + "_as_is", around_zero && scale == 1.0f)};
}

}  // namespace norma
