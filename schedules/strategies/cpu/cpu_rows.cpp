// SPDX-License-Identifier: MIT
#include "cpu_rows.h"

#include <algorithm>
#include <iterator>

#include "generators/algorithms/numeric.h"
#include "generators/passes/cpu/either.h"
#include "generators/passes/cpu/lane_tree.h"
#include "generators/passes/cpu/output_stores.h"
#include "generators/passes/cpu/paired_sums.h"
#include "generators/passes/cpu/rare_sweep.h"
#include "generators/passes/cpu/shared_rows.h"
#include "generators/passes/cpu/store_mode.h"
#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"
#include "generators/passes/packed_bytes.h"

namespace norma {

using namespace Halide;
using Halide::Internal::is_const;

namespace {

// Of short rows, whose lanes are no better than fp32, and whose tree takes as long as their sweep.
constexpr int short_tree_lanes = 16;

// What more of them need once per row does not stay in registers.
constexpr int most_shared_rows = 4;

// Of long 16-bit rows that are worked on together: more of them would not stay in a second-level cache.
constexpr int most_shared_elements = 16384;

Expr plus(const Expr &sum, const Term &term, const Expr &d) {
    return term.b ? fused_multiply_add(term.a(d), term.b(d), sum) : sum + term.a(d);
}

}  // namespace

Pipeline CpuRow::lower() {
    // One loop over groups of rows makes every output, so that what is computed once per row is computed once.
    std::vector<Func> outputs = element_outputs_;
    outputs.insert(outputs.end(), column_outputs_.begin(), column_outputs_.end());
    outputs.insert(outputs.end(), group_outputs_.begin(), group_outputs_.end());
    outputs.insert(outputs.end(), scalar_outputs_.begin(), scalar_outputs_.end());
    bound_outputs();
    LoopLevel each_group = column_outputs_.empty() ? schedule_outputs(outputs) : schedule_column_outputs();
    for (Func f : prepared_) {
        f.compute_root().store_in(MemoryType::Heap).bound(d_, 0, extent_);
        f.vectorize(d_, knobs_.vector, has_tail(knobs_.vector) ? TailStrategy::GuardWithIf : TailStrategy::RoundUp);
    }
    for (Func f : kept_) {
        schedule_elements(each_row(f.compute_at(each_group)).store_in(MemoryType::Heap));
    }
    for (Func f : scalars_) {
        each_row(f.compute_at(each_group)).store_in(MemoryType::Stack);
    }
    for (Func f : groups_) {
        each_row(f.compute_at(each_group)).store_in(MemoryType::Heap);
    }
    for (Sum &sum : sums_) {
        schedule_sum(sum, each_group);
    }

    auto names = [](const std::vector<Func> &funcs) {
        std::set<std::string> set;
        for (const Func &f : funcs) {
            set.insert(f.name());
        }
        return set;
    };
    std::set<std::string> rare_sums;
    for (const Sum &sum : sums_) {
        if (sum.condition.defined()) {
            rare_sums.insert(sum.total.name());
        }
    }
    const bool many_batches = short_rows() && column_outputs_.empty();
    Pipeline pipeline(outputs);
    inputs_.emplace_back("store_mode", Argument::InputScalar, Int(32), 0, ArgumentEstimates{});
    pipeline.add_custom_lowering_pass(new LaneTreePass);
    pipeline.add_custom_lowering_pass(new RareSweepPass(rare_sums));
    pipeline.add_custom_lowering_pass(new OutputStoresPass(names(column_outputs_), add_to_memory));
    if (rows_in_flight() > 1 && rows_in_flight() <= most_shared_rows && column_outputs_.empty()) {
        pipeline.add_custom_lowering_pass(new SharedRowsPass(names(element_outputs_), rows_in_flight()));
    }
    pipeline.add_custom_lowering_pass(new StoreModePass(names(element_outputs_), knobs_.stream_bytes,
                                                        many_batches ? knobs_.short_stream_batch : knobs_.stream_batch,
                                                        rows_of_group()));
    pipeline.add_custom_lowering_pass(new EitherPass);
    pipeline.add_custom_lowering_pass(new FusedMultiplyAddPass(knobs_.native_fma != 0));
    pipeline.add_custom_lowering_pass(new PairedSumsPass);
    pipeline.add_custom_lowering_pass(new PackedBytesPass);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(knobs_.native_f16 != 0, knobs_.native_bf16 != 0));
    return pipeline;
}

void CpuRow::bound_outputs() {
    Expr rows = element_outputs_.front().output_buffer().dim(1).extent();
    auto bound_row = [&](Func f) {
        f.output_buffer().dim(0).set_bounds(0, extent_).set_stride(1);
        f.output_buffer().dim(1).set_min(0);
        if (f.name() != element_outputs_.front().name()) {
            f.output_buffer().dim(1).set_extent(rows);
        }
    };
    for (Func f : element_outputs_) {
        bound_row(f);
    }
    for (Func f : column_outputs_) {
        bound_row(f);
        f.output_buffer().dim(1).set_stride(0);
    }
    for (Func f : group_outputs_) {
        f.output_buffer().dim(0).set_bounds(0, extent_ / group_size_).set_stride(1);
        f.output_buffer().dim(1).set_min(0).set_extent(rows);
    }
    for (Func f : scalar_outputs_) {
        f.output_buffer().dim(0).set_bounds(0, rows).set_stride(Expr());
    }
}

LoopLevel CpuRow::schedule_outputs(const std::vector<Func> &outputs) {
    Var group("group"), row("row");
    Func first = outputs.front();
    for (Func f : element_outputs_) {
        schedule_elements(f);
    }
    for (Func f : outputs) {
        f.split(r_, group, row, rows_of_group(), TailStrategy::GuardWithIf).never_partition(group);
        if (f.name() != first.name()) {
            f.compute_with(first, group);
        }
    }
    return LoopLevel(first, group);
}

// A block of columns takes in all rows of the group before it goes back to memory.
LoopLevel CpuRow::schedule_column_outputs() {
    Var group("group"), row("row"), outer("outer"), inner("inner");
    Func first = element_outputs_.front();
    std::vector<Func> outputs = {first};
    outputs.insert(outputs.end(), column_outputs_.begin(), column_outputs_.end());
    int lanes = knobs_.column_lanes;
    TailStrategy tail = has_tail(lanes) ? TailStrategy::GuardWithIf : TailStrategy::RoundUp;
    for (Func f : outputs) {
        f.split(d_, outer, inner, lanes, tail).split(r_, group, row, rows_in_flight(), TailStrategy::GuardWithIf);
        f.reorder(inner, row, outer, group).vectorize(inner).unroll(row);
        if (f.name() != first.name()) {
            f.compute_with(first, row);
        }
    }
    return LoopLevel(first, group);
}

void CpuRow::schedule_elements(Func f) const {
    Var outer, inner;
    // A group's elements together: its scale is then one number.
    const int lanes = group_size_ != 0 ? group_size_ : knobs_.store_lanes;
    TailStrategy tail = has_tail(lanes) ? TailStrategy::GuardWithIf : TailStrategy::RoundUp;
    f.split(d_, outer, inner, lanes, tail).vectorize(inner);
}

// The tree: lanes over a chunk; chunks in order, with what each addition rounded away; what is left after the last
// whole block; then the lanes in halves. It depends on the hidden size alone.
CpuRow::Reduced CpuRow::reduce(const std::string &name, const std::vector<Term> &terms, const RowValue &value) {
    const size_t count = terms.size(), sweeps = count + (value ? 1 : 0);
    Sum sum;
    sum.lanes = sweeps == 1 ? knobs_.lanes : knobs_.pair_lanes;
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

        RDom q(0, (blocks + knobs_.chunk - 1) / knobs_.chunk, name + "_part");
        sum.total = Func(name + "_total");
        sum.total(lane_, r_) = tuple(totals, zero, none);
        auto add_chunk = [&](size_t i) {
            Expr before = sum.total(lane_, r_)[i % count], added = at(sum.chunk, {lane_, q, r_}, i % count);
            Expr after = before + added;
            return i < count ? after : sum.total(lane_, r_)[i] + rounding_error(before, added, after);
        };
        sum.total(lane_, r_) = tuple(totals, add_chunk, [&](size_t i) {
            return max(at(sum.total, {lane_, r_}, i), at(sum.chunk, {lane_, q, r_}, count));
        });
        sum.part = q.x;
    }
    if (has_tail(sum.lanes)) {
        RDom rest(0, extent_ % sum.lanes, name + "_rest");
        sum.total(rest, r_) = add_block(sum.total, {rest, r_}, totals, blocks * sum.lanes + rest);
        sum.rest = rest.x;
    }
    if (value) {
        RDom l(0, sum.lanes, name + "_lane");
        sum.amax = Func(name + "_largest");
        sum.amax(r_) = cast<uint32_t>(0);
        sum.amax(r_) = max(sum.amax(r_), at(sum.total, {l, r_}, totals));
        sum.lane = l.x;
    }
    sum.mean = Func(name);
    sum.mean(r_) = tuple(
        count, [&](size_t i) { return mean_of(sum, i, count); },
        [&](size_t) { return reinterpret<float>(sum.amax(r_)); });
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
    Expr total = lane_tree(sum.total, sum.lanes, sum.one_chunk ? short_tree_lanes : sum.lanes, r_, (int)i);
    if (!sum.one_chunk) {
        Expr error = lane_tree(sum.total, sum.lanes, sum.lanes, r_, (int)(i + count));
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

void CpuRow::schedule_sum(Sum &sum, const LoopLevel &each_group) const {
    each_row(sum.mean.compute_at(each_group)).store_in(MemoryType::Stack);
    if (sum.amax.defined()) {
        sum.amax.compute_at(sum.mean, r_).store_in(MemoryType::Stack).update().atomic().vectorize(sum.lane);
    }
    // One row's sum after the other's, so that its lanes stay in registers.
    schedule_lanes(sum.total.compute_at(sum.mean, r_), sum.lanes, sum.part, sum.rest);
    if (sum.chunk.defined()) {
        schedule_lanes(sum.chunk.compute_at(sum.total, sum.part), sum.lanes, sum.block, RVar());
    }
}

void CpuRow::schedule_lanes(Func f, int lanes, const RVar &along, const RVar &rest) const {
    // Two vectors of bf16 are widened together (passes/cpu/paired_sums.h), but not beside fp32 that was prepared.
    const int width = std::min(lanes, has_bf16_ && prepared_.empty() ? 2 * knobs_.vector : knobs_.vector);
    auto vectors = [&](auto stage) { stage.vectorize(lane_, width).unroll(lane_); };
    vectors(f.store_in(MemoryType::Stack).bound_extent(lane_, lanes));
    vectors(f.update(0).reorder(lane_, along));
    if (f.num_update_definitions() == 2) {
        RVar outer, inner;
        f.update(1).split(rest, outer, inner, knobs_.vector, TailStrategy::Predicate).vectorize(inner);
    }
}

// Bounds inference cannot see that the guards around a sum keep it inside the row.
Expr CpuRow::element(Expr block, Var lane, int lanes) const {
    return unsafe_promise_clamped(block * lanes + lane, 0, extent_ - 1);
}

bool CpuRow::has_tail(int width) const { return (hidden_.exact != 0 ? hidden_.exact : hidden_.multiple) % width != 0; }

bool CpuRow::short_rows() const { return cpu_rows_are_short(knobs_, hidden_); }

int CpuRow::rows_in_flight() const {
    return short_rows()               ? knobs_.rows
           : !column_outputs_.empty() ? knobs_.column_rows
           : has_half_                ? knobs_.long_half_rows
                                      : 1;
}

Expr CpuRow::rows_of_group() const {
    const Expr rows = rows_in_flight();
    const bool depends = !short_rows() && column_outputs_.empty() && rows_in_flight() > 1;
    return depends ? select(extent_ > most_shared_elements, 1, rows) : rows;
}

RowValue CpuRow::load(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 2, role);
    has_bf16_ = has_bf16_ || type == NORMA_BF16;
    has_half_ = has_half_ || halide_type(type).bits() == 16;
    if (!extent_.defined()) {
        Expr multiple = image.dim(0).extent() / hidden_.multiple * hidden_.multiple;
        extent_ = hidden_.exact != 0 ? Expr(hidden_.exact) : hidden_.multiple == 1 ? image.dim(0).extent() : multiple;
    }
    image.dim(0).set_min(0).set_stride(1);
    if (hidden_.exact != 0 || hidden_.multiple != 1 || !inputs_.empty()) {
        image.dim(0).set_extent(extent_);
    }
    image.dim(1).set_min(0);
    inputs_.push_back(image);
    return [=, r = r_](Expr d) { return widen(image(d, r)); };
}

RowValue CpuRow::parameter(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 1, role);
    image.dim(0).set_bounds(0, extent_).set_stride(1);
    inputs_.push_back(image);
    return [=](Expr d) { return widen(image(d)); };
}

RowValue CpuRow::prepare(const std::string &name, RowValue value) {
    Func f(name);
    f(d_) = value(d_);
    prepared_.push_back(f);
    return [=](Expr d) { return f(d); };
}

int CpuRow::workspace_per_element() const {
    return kept_bytes_ * rows_in_flight() + (int)prepared_.size() * halide_type(NORMA_F32).bytes();
}

Expr CpuRow::per_row(const std::string &role) {
    ImageParam image(Float(32), 1, role);
    image.dim(0).set_min(0).set_stride(Expr());
    inputs_.push_back(image);
    return image(r_);
}

Expr CpuRow::scalar(const std::string &role) {
    Param<float> param(role);
    inputs_.push_back(param);
    return param;
}

RowValue CpuRow::keep(const std::string &name, norma_dtype type, RowValue value) {
    Func f(name);
    f(d_, r_) = narrow(type, value(d_));
    kept_.push_back(f);
    kept_bytes_ += halide_type(type).bytes();
    return [=, r = r_](Expr d) { return widen(f(d, r)); };
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

Expr CpuRow::either(const Expr &condition, const Expr &plain, const Expr &general) {
    return mark_either(condition, plain, general);
}

Expr CpuRow::once(const std::string &name, Expr value) { return once_together(name, {std::move(value)})[0]; }

// A loop over the rows in flight, whose results go through memory: the fewer, the shorter each row waits. What rare
// rows need is stored over it, under a branch: most rows do not wait for it.
std::vector<Expr> CpuRow::once_together(const std::string &name, std::vector<Expr> values,
                                        const std::vector<Expr> &stored) {
    values.insert(values.end(), stored.begin(), stored.end());
    std::vector<Expr> computed;
    std::copy_if(values.begin(), values.end(), std::back_inserter(computed),
                 [](const Expr &e) { return !is_const(e); });
    Cases cases = cases_of(computed);
    Func f(name + "_once");
    f(r_) = Tuple(cases.usual);
    if (cases.condition.defined()) {
        RDom once(0, 1, name + "_rare");
        once.where(cases.condition);
        cases.rare[0] = select(once.x == 0, cases.rare[0], cases.usual[0]);  // a domain has to be used
        f(r_) = Tuple(cases.rare);
    }
    scalars_.push_back(f);
    int i = 0;
    for (Expr &value : values) {
        if (!is_const(value)) {
            value = f.outputs() == 1 ? Expr(f(r_)) : Expr(f(r_)[i++]);
        }
    }
    return values;
}

void CpuRow::store(const std::string &role, norma_dtype type, RowValue value) {
    Func f(role);
    f(d_, r_) = narrow(type, value(d_));
    // y leads the fused loops, whichever output the algorithm stores first.
    element_outputs_.insert(role == "y" ? element_outputs_.begin() : element_outputs_.end(), f);
}

void CpuRow::store_groups(const std::string &role, int, RowValue value) {
    Func f(role);
    f(d_, r_) = value(d_);
    group_outputs_.push_back(f);
}

void CpuRow::store_scalar(const std::string &role, Expr value) {
    Func f(role);
    f(r_) = value;
    scalar_outputs_.push_back(f);
}

void CpuRow::column_sum(const std::string &role, Term term) {
    Func f(role);
    f(d_, r_) = plus(0.0f, term, d_);  // add_to_memory puts the sum in the place of zero
    column_outputs_.push_back(f);
}

}  // namespace norma
