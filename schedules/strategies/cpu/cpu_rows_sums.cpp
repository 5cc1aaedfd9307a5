// SPDX-License-Identifier: MIT
// Sums and largest values of a row: what they are, and when they are computed.
#include "cpu_rows.h"

#include <algorithm>

#include "generators/algorithms/numeric.h"
#include "generators/passes/cpu/lane_tree.h"
#include "generators/passes/fused_multiply_add.h"

namespace norma {

using namespace Halide;

namespace {

// Of a chunk, which a short row is as a whole: its lanes are added in fp32 until so many are left, since more would
// take as long as the sweep of a short row.
constexpr int chunk_tree_lanes = 16;

int folded_lanes(int lanes) { return std::min(lanes, chunk_tree_lanes) / 2; }

// Of float64 that is computed once per row.
constexpr int most_row_lanes = 8;

Expr plus(const Expr &sum, const Term &term, const Expr &d) {
    return term.b ? fused_multiply_add(term.a(d), term.b(d), sum) : sum + term.a(d);
}

}  // namespace

// The tree: lanes over a chunk; chunks in order, with what each addition rounded away; what is left after the last
// whole block; then the lanes in halves. It depends on the hidden size alone.
CpuRow::Reduced CpuRow::reduce(const std::string &name, const std::vector<Term> &terms, const RowValue &value) {
    const size_t count = terms.size(), sweeps = count + (value ? 1 : 0);
    Sum sum;
    sum.lanes = sum.total_lanes = sweeps == 1 ? knobs_.lanes : knobs_.pair_lanes;
    // A Tuple has the sums, then of the total what was rounded away from them, then the largest magnitude.
    auto tuple = [&](size_t sums, const std::function<Expr(size_t)> &f, const std::function<Expr(size_t)> &largest) {
        std::vector<Expr> values;
        for (size_t i = 0; i < sums; i++) {
            values.push_back(f(i));
        }
        if (value) {
            values.push_back(largest(sums));
        }
        return Tuple(values);
    };
    auto at = [](const Func &f, const std::vector<Expr> &where, size_t i) {
        return f.outputs() == 1 ? Expr(f(where)) : Expr(f(where)[i]);
    };
    auto zero = [](size_t) { return Expr(0.0f); };
    auto none = [](size_t) { return cast<uint32_t>(0); };
    // What a block of lanes adds to `f`.
    auto add_block = [&](const Func &f, const std::vector<Expr> &where, size_t sums, const Expr &d) {
        return tuple(
            sums, [&](size_t i) { return i < count ? plus(at(f, where, i), terms[i], d) : at(f, where, i); },
            [&](size_t i) { return max(at(f, where, i), magnitude_bits(value(d))); });
    };

    Expr blocks = extent_ / sum.lanes;
    sum.one_chunk = short_rows();
    const size_t totals = sum.one_chunk ? count : 2 * count;
    if (sum.one_chunk) {
        RDom k(0, blocks, name + "_block");
        sum.total = Func(name + "_total");
        sum.total(lane_, r_) = tuple(totals, zero, none);
        sum.total(lane_, r_) = add_block(sum.total, {lane_, r_}, totals, element(k, lane_, sum.lanes));
        sum.part = k.x;
    } else {
        Var c("c");
        RDom k(0, knobs_.chunk, name + "_block");
        Expr block = c * knobs_.chunk + k;
        k.where(block < blocks);
        sum.chunk = Func(name + "_chunk");
        sum.chunk(lane_, c, r_) = tuple(count, zero, none);
        sum.chunk(lane_, c, r_) = add_block(sum.chunk, {lane_, c, r_}, count, element(block, lane_, sum.lanes));
        sum.block = k.x;

        const int folded = std::min(sum.lanes, chunk_tree_lanes);
        RDom q(0, folded, 0, (blocks + knobs_.chunk - 1) / knobs_.chunk, name + "_part");
        sum.total = Func(name + "_total");
        sum.total(lane_, r_) = tuple(totals, zero, none);
        // Lane q.x + from of the i-th sum of a chunk, when its lanes were added in halves until `lanes` are left.
        std::function<Expr(size_t, int, int)> fold = [&](size_t i, int from, int lanes) {
            if (lanes == sum.lanes) {
                return at(sum.chunk, {q.x + from, q.y, r_}, i);
            }
            const Expr low = fold(i, from, 2 * lanes), high = fold(i, from + lanes, 2 * lanes);
            return i < count ? low + high : max(low, high);
        };
        auto add_chunk = [&](size_t i) {
            Expr before = sum.total(q.x, r_)[i % count], added = fold(i % count, 0, folded);
            Expr after = before + added;
            return i < count ? after : sum.total(q.x, r_)[i] + rounding_error(before, added, after);
        };
        sum.total(q.x, r_) = tuple(totals, add_chunk, [&](size_t i) {
            return max(at(sum.total, {q.x, r_}, i), fold(count, 0, folded));
        });
        sum.part_lane = q.x;
        sum.part = q.y;
        sum.total_lanes = has_tail(sum.lanes) ? sum.lanes : folded;
    }
    if (has_tail(sum.lanes)) {
        RDom rest(0, extent_ % sum.lanes, name + "_rest");
        sum.total(rest, r_) = add_block(sum.total, {rest, r_}, totals, blocks * sum.lanes + rest);
        sum.rest = rest.x;
    }
    int lanes = sum.total_lanes;
    Func last = sum.total;
    if (row_vectors()) {
        lanes = folded_lanes(sum.lanes);
        const auto fold = [&](size_t i) {
            return fold_lanes(sum.total, sum.lanes, chunk_tree_lanes, lane_, r_, (int)i);
        };
        last = sum.folded = Func(name + "_folded");
        sum.folded(lane_, r_) = tuple(count, fold, [&](size_t) { return fold(totals); });
    }
    if (value) {
        RDom l(0, lanes, name + "_lane");
        sum.amax = Func(name + "_largest");
        sum.amax(r_) = cast<uint32_t>(0);
        sum.amax(r_) = max(sum.amax(r_), at(last, {l, r_}, sum.folded.defined() ? count : totals));
        sum.lane = l.x;
    }
    sum.mean = Func(name);
    sum.mean(r_) = tuple(
        count, [&](size_t i) { return mean_of(sum, i, count); },
        [&](size_t) { return reinterpret<float>(sum.amax(row_that_is_there())); });
    sums_.push_back(sum);

    Reduced reduced;
    for (size_t i = 0; i < count; i++) {
        reduced.means.push_back(at(sum.mean, {r_}, i));
    }
    reduced.amax = value ? at(sum.mean, {r_}, count) : Expr();
    return reduced;
}

// Of the i-th of `count` sums.
Expr CpuRow::mean_of(const Sum &sum, size_t i, size_t count) const {
    Expr total;
    if (sum.folded.defined()) {
        total = lane_tree(sum.folded, folded_lanes(sum.lanes), chunk_tree_lanes, row_that_is_there(), (int)i);
        total = select(r_ < all_rows_, total, cast<double>(0));  // what is not there takes no slow path
    } else {
        total = lane_tree(sum.total, sum.total_lanes, sum.one_chunk ? chunk_tree_lanes : sum.total_lanes, r_, (int)i);
    }
    if (!sum.one_chunk) {
        const int lanes = std::min(sum.total_lanes, chunk_tree_lanes);
        Expr error = lane_tree(sum.total, lanes, lanes, r_, (int)(i + count));
        total = select(error == error, total + error, total);  // an infinite sum has no meaningful error
    }
    return total * (cast<double>(1) / cast<double>(extent_));
}

std::vector<Expr> CpuRow::means(const std::string &name, const std::vector<Term> &terms) {
    return reduce(name, terms, nullptr).means;
}

// Of a group. Where that is one row, its bounds are not worked out: they would be loops and branches at every step.
Func &CpuRow::each_row(Func &f) const {
    return rows_in_flight() == 1 ? f.bound_extent(r_, 1) : f.bound_storage(r_, rows_in_flight());
}

// Of a group, in vectors. Those also hold rows that are not there, where the rows end: what they have does not matter.
Func &CpuRow::in_vectors_of_rows(Func &f, bool in_vectors) const {
    if (!in_vectors || !row_vectors()) {
        return each_row(f);
    }
    const int rows = rows_in_flight(), folded = folded_lanes(std::min(knobs_.lanes, knobs_.pair_lanes));
    const int lanes = std::max(2, std::min({rows, most_row_lanes, folded}));
    return f.bound_extent(r_, rows).vectorize(r_, lanes);
}

bool CpuRow::row_vectors() const { return short_rows() && rows_ > most_shared_rows; }

// For what is not computed of others.
Expr CpuRow::row_that_is_there() const {
    return row_vectors() ? unsafe_promise_clamped(r_, 0, all_rows_ - 1) : Expr(r_);
}

void CpuRow::schedule_sum(Sum &sum, const LoopLevel &each_group) const {
    const auto stack = [](Func &f) { return f.store_in(MemoryType::Stack); };
    stack(in_vectors_of_rows(sum.mean.compute_at(each_group), sum.folded.defined()));
    if (sum.amax.defined()) {
        stack(sum.folded.defined() ? each_row(sum.amax.compute_at(each_group)) : sum.amax.compute_at(sum.mean, r_));
        sum.amax.update().atomic().vectorize(sum.lane);
    }
    if (sum.folded.defined()) {
        const int lanes = folded_lanes(sum.lanes);
        stack(each_row(sum.folded.compute_at(each_group)).bound_extent(lane_, lanes));
        sum.folded.vectorize(lane_, lanes);
    }
    // One row's sum after the other's, so that its lanes stay in registers.
    const VarOrRVar lane = sum.chunk.defined() ? VarOrRVar(sum.part_lane) : VarOrRVar(lane_);
    schedule_lanes(sum.total.compute_at(sum.folded.defined() ? sum.folded : sum.mean, r_), sum.total_lanes, lane,
                   sum.part, sum.rest);
    if (sum.chunk.defined()) {
        schedule_lanes(sum.chunk.compute_at(sum.total, sum.part), sum.lanes, lane_, sum.block, RVar());
    }
}

void CpuRow::schedule_lanes(Func f, int lanes, const VarOrRVar &lane, const RVar &along, const RVar &rest) const {
    // Two vectors of bf16 are widened together (passes/cpu/paired_sums.h), but not beside fp32 that was prepared.
    const int width = std::min(lanes, has_bf16_ && prepared_.empty() ? 2 * knobs_.vector : knobs_.vector);
    const int update_width = lane.is_rvar ? std::min(knobs_.vector, chunk_tree_lanes) : width;
    f.store_in(MemoryType::Stack).bound_extent(lane_, lanes).vectorize(lane_, width).unroll(lane_);
    f.update(0).reorder(lane, along).vectorize(lane, update_width).unroll(lane);
    if (f.num_update_definitions() == 2) {
        RVar outer, inner;
        f.update(1).split(rest, outer, inner, knobs_.vector, TailStrategy::Predicate).vectorize(inner);
    }
}

// Bounds inference cannot see that the guards around a sum keep it inside the row.
Expr CpuRow::element(Expr block, Var lane, int lanes) const {
    return unsafe_promise_clamped(block * lanes + lane, 0, extent_ - 1);
}

Expr CpuRow::amax(const std::string &name, const RowValue &value) { return reduce(name, {}, value).amax; }

RowValue CpuRow::group_amax(const std::string &name, int size, const RowValue &value) {
    Var g("g");
    RDom k(0, size, name + "_element");
    Func most(name);
    most(g, r_) = cast<uint32_t>(0);
    most(g, r_) = max(most(g, r_), magnitude_bits(value(unsafe_promise_clamped(g * size + k, 0, extent_ - 1))));
    most.update().atomic().vectorize(k.x);
    groups_.push_back(most);
    group_size_ = size;
    kept_bytes_++;  // 4 bytes for at least 32 elements
    return [=, r = r_](Expr group) { return reinterpret<float>(most(group, r)); };
}

// In a loop of its own: in that of the elements, each group would wait for its division.
RowValue CpuRow::once_per_group(const std::string &name, int, RowValue value) {
    Func f(name);
    f(d_, r_) = value(d_);
    once_per_group_.push_back(f);
    kept_bytes_++;
    return [=, r = r_](Expr group) { return f(group, r); };
}

void CpuRow::column_sum(const std::string &role, Term term) {
    Func f(role);
    // What add_to_memory adds to the sum; a product, in the place of the zero.
    f(d_, r_) = term.b ? plus(0.0f, term, d_) : term.a(d_);
    column_outputs_.push_back(f);
}

}  // namespace norma
