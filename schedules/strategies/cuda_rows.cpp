// SPDX-License-Identifier: MIT
#include "cuda_rows.h"

#include <algorithm>
#include <stdexcept>

#include "../../generators/numeric.h"
#include "../../generators/passes/cuda/alternate_shared.h"
#include "../../generators/passes/cuda/bfloat_pair.h"
#include "../../generators/passes/cuda/butterfly.h"
#include "../../generators/passes/cuda/column_sums.h"
#include "../../generators/passes/cuda/register_element.h"
#include "../../generators/passes/cuda/register_row.h"
#include "../../generators/passes/cuda/single_precision.h"
#include "../../generators/passes/cuda/strip_loop.h"
#include "../../generators/passes/cuda/thread_barrier.h"
#include "../../generators/passes/cuda/wide_access.h"
#include "../../generators/passes/half_convert.h"
#include "../../generators/passes/output_stores.h"

namespace norma {

using namespace Halide;

namespace {

constexpr int lanes = 32;

// Of values combined in pairs, then the pairs in pairs.
Expr pairwise(std::vector<Expr> values, const std::function<Expr(Expr, Expr)> &combine) {
    while (values.size() > 1) {
        std::vector<Expr> pairs;
        for (size_t i = 0; i < values.size(); i += 2) {
            pairs.push_back(i + 1 < values.size() ? combine(values[i], values[i + 1]) : values[i]);
        }
        values = pairs;
    }
    return values[0];
}

// Knuth's TwoSum.
Expr rounded_away(const Expr &before, const Expr &added, const Expr &after) {
    const Expr as_added = after - before;
    return (before - (after - as_added)) + (added - as_added);
}

}  // namespace

Pipeline CudaRow::lower() {
    std::vector<Func> of_elements = element_outputs_;
    of_elements.insert(of_elements.end(), column_outputs_.begin(), column_outputs_.end());
    std::vector<Func> outputs = of_elements;
    outputs.insert(outputs.end(), group_outputs_.begin(), group_outputs_.end());
    outputs.insert(outputs.end(), scalar_outputs_.begin(), scalar_outputs_.end());
    bound_outputs();
    if (shape_.strips) {
        inputs_.insert(inputs_.end(), {strips_, first_strip_, continued_});
    }

    Func first = outputs.front();
    for (Func f : outputs) {
        schedule_blocks(f);
    }
    for (Func f : of_elements) {
        schedule_row(f, shape_.vector, lanes);
        // What is not in registers is loaded for all outputs together, before any of them overwrites it.
        if (f.name() != first.name()) {
            f.compute_with(first, shape_.in_registers() ? each_row() : each_element());
        }
    }
    for (Func f : group_outputs_) {
        schedule_row(f, 1, lanes / lanes_of_group());
        f.compute_with(first, shape_.in_registers() ? each_row() : chunk_);
    }
    for (Func f : scalar_outputs_) {
        if (shape_.rows > 1) {  // a loop over lanes, or the rows would be taken for one
            Var lane("lane");
            f.split(row_, row_, lane, 1).gpu_lanes(lane);
        }
        f.compute_with(first, each_row());
    }
    Pipeline pipeline(outputs);
    const LoopLevel at_row(first, each_row());
    schedule_kept(pipeline, first, at_row);
    int exchanges = schedule_groups(pipeline, first, at_row);
    for (Reduction &reduction : reductions_) {
        schedule_reduction(reduction, at_row);
        exchanges += (int)(reduction.tree.size() - 1) * reduction.tree.front().outputs();
    }
    pipeline.add_custom_lowering_pass(new ButterflyPass(exchanges));
    const int shared = warps_share_a_row() ? (int)reductions_.size() : 0;
    pipeline.add_custom_lowering_pass(new ThreadBarrierPass(shared));
    if (shared > (shape_.strips ? 0 : 1)) {
        pipeline.add_custom_lowering_pass(new AlternateSharedPass(shared, shape_.strips ? step_.name() : ""));
    }
    pipeline.add_custom_lowering_pass(new OutputStoresPass({"mean", "rstd"}, store_if_wanted));
    if (shape_.strips) {
        add_strip_passes(pipeline);
    }
    pipeline.add_custom_lowering_pass(new WideAccessPass(shape_.any_alignment));
    pipeline.add_custom_lowering_pass(new BfloatPairPass);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(true, false));
    pipeline.add_custom_lowering_pass(new RegisterElementPass);
    return pipeline;
}

void CudaRow::add_strip_passes(Pipeline &pipeline) const {
    std::set<std::string> sums;
    for (const Func &f : column_outputs_) {
        sums.insert(f.name());
    }
    const int slots = shape_.sums_in_registers ? shape_.vector * shape_.chunks : 0;
    pipeline.add_custom_lowering_pass(new StripLoopPass(step_.name(), shape_.rows, element_outputs_.front().name()));
    pipeline.add_custom_lowering_pass(
        new ColumnSumsPass(step_.name(), shape_.rows, sums, shape_.vector, shape_.warps, slots));
}

// Rows that follow each other belong to strips that do, so that blocks walk over memory together.
void CudaRow::schedule_blocks(Func f) const {
    if (shape_.strips) {
        f.split(r_, step_, r_, strips_, TailStrategy::GuardWithIf);
    }
    f.split(r_, block_, row_, shape_.rows, TailStrategy::GuardWithIf).gpu_blocks(block_);
    if (shape_.strips) {
        f.reorder(step_, block_);
    }
    if (shape_.rows > 1) {
        f.gpu_threads(row_);
    }
}

void CudaRow::schedule_kept(Pipeline &pipeline, const Func &first, const LoopLevel &each_row) {
    for (Func f : rows_kept_) {
        if (shape_.in_registers()) {
            keep_in_registers(pipeline, f, shape_.vector, shape_.vector * shape_.chunks, each_row);
            schedule_row(f, shape_.vector, lanes);
            continue;
        }
        f.compute_at(first, each_element()).store_in(MemoryType::Register);
        f.bound_extent(d_, shape_.vector).bound_extent(r_, 1).vectorize(d_);
    }
    for (Func f : scalars_) {
        keep_in_registers(pipeline, f, 1, 1, each_row);
        schedule_threads(f);
    }
}

void CudaRow::keep_in_registers(Pipeline &pipeline, Func f, int vector, int slots, const LoopLevel &each_row) const {
    f.compute_at(each_row).bound_extent(r_, shape_.rows).store_in(MemoryType::Register);
    if (shape_.rows > 1) {
        f.gpu_threads(r_);
    }
    pipeline.add_custom_lowering_pass(new RegisterRowPass(f.name(), vector, shape_.warps, slots));
}

void CudaRow::bound_outputs() {
    Expr rows = element_outputs_.front().output_buffer().dim(1).extent();
    for (Func f : element_outputs_) {
        OutputImageParam buffer = f.output_buffer();
        bound_hidden(buffer.dim(0));
        bound_rows(buffer.dim(1));
        if (f.name() != element_outputs_.front().name()) {
            buffer.dim(1).set_extent(rows);
        }
        f.bound(d_, 0, hidden_);
    }
    for (Func f : column_outputs_) {
        OutputImageParam buffer = f.output_buffer();
        bound_hidden(buffer.dim(0));
        buffer.dim(1).set_bounds(0, rows).set_stride(buffer.dim(1).stride() / shape_.vector * shape_.vector);
        f.bound(d_, 0, hidden_);
    }
    bound_groups(rows);
    for (Func f : scalar_outputs_) {
        f.output_buffer().dim(0).set_bounds(0, rows).set_stride(Expr());
    }
}

void CudaRow::schedule_row(Func f, int vector, int lanes) {
    Var outer("outer"), t("t");  // the same for all outputs, whose loops are one
    const TailStrategy tail = shape_.in_registers() ? TailStrategy::Auto : TailStrategy::GuardWithIf;
    f.split(d_, outer, v_, vector, TailStrategy::RoundUp)
        .split(outer, chunk_, t, lanes * shape_.warps, tail)
        .split(t, warp_, lane_, lanes);
    f.reorder(v_, chunk_, lane_, warp_).vectorize(v_);
    if (has_groups() && !shape_.in_registers()) {
        f.reorder(lane_, chunk_);
    }
    if (shape_.in_registers()) {
        f.unroll(chunk_);
    } else {
        f.never_partition(chunk_);
    }
    schedule_threads(f);
}

void CudaRow::schedule_threads(Func f) const {
    if (warps_share_a_row()) {
        f.gpu_threads(warp_);
    }
    f.gpu_lanes(lane_);
}

// In a thread, the elements with the same v in the order of its vectors, then over v; over the lanes of a warp; over
// the warps of a row. All but the first in pairs, and every lane and warp with the same result.
std::vector<Expr> CudaRow::reduce(const std::string &name, const std::vector<RowValue> &terms, const Expr &zero,
                                  const Combine &combine) {
    const size_t count = terms.size();
    auto tuple_of = [](size_t size, const std::function<Expr(size_t)> &f) {
        std::vector<Expr> values;
        for (size_t i = 0; i < size; i++) {
            values.push_back(f(i));
        }
        return Tuple(values);
    };
    auto tuple = [&](const std::function<Expr(size_t)> &f) { return tuple_of(count, f); };
    auto at = [](const Func &f, const std::vector<Expr> &where, size_t i) {
        return f.outputs() == 1 ? Expr(f(where)) : Expr(f(where)[i]);
    };
    Reduction reduction;
    const Expr vectors = hidden_ / shape_.vector, of_a_sweep = lanes * shape_.warps;
    const bool whole = shape_.in_registers();
    RDom k(0, whole ? Expr(shape_.chunks) : (vectors + of_a_sweep - 1) / of_a_sweep, name + "_chunk");
    const Expr at_vector = lane_ + lanes * (warp_ + shape_.warps * k);
    const Expr d = v_ + shape_.vector * (whole ? at_vector : min(at_vector, vectors - 1));
    auto term = [&](size_t i) {
        Internal::ScopedValue<bool> sweep(in_sweep_, true);
        return whole ? terms[i](d) : select(at_vector < vectors, terms[i](d), zero);
    };
    Func part(name + "_part");
    const std::vector<Expr> own = {v_, lane_, warp_, r_};
    // Of sums without end, what each addition rounded away is summed beside.
    const bool two_parts = shape_.any_length && zero.type().is_float();
    const size_t parts = two_parts ? 2 * count : count;
    part(own) = tuple_of(parts, [&](size_t) { return zero; });
    part(own) = tuple_of(parts, [&](size_t i) {
        const Expr before = at(part, own, i % count), added = term(i % count), after = combine(before, added);
        return i < count ? after : at(part, own, i) + rounded_away(before, added, after);
    });
    reduction.part = part;
    reduction.along = k.x;

    Func before(name + "_thread");
    before(lane_, warp_, r_) = tuple([&](size_t i) {
        std::vector<Expr> values;
        for (int v = 0; v < shape_.vector; v++) {
            const Expr sum = at(part, {v, lane_, warp_, r_}, i);
            const Expr error = two_parts ? at(part, {v, lane_, warp_, r_}, count + i) : zero;
            // An infinite sum has no meaningful error.
            values.push_back(two_parts ? select(error == error, sum + error, sum) : sum);
        }
        return pairwise(values, combine);
    });
    reduction.tree.push_back(before);
    for (int distance = lanes / 2; distance >= 1; distance /= 2) {
        Func exchanged(name + "_lanes_" + std::to_string(distance));
        exchanged(lane_, warp_, r_) = tuple([&](size_t i) {
            return combine(at(before, {lane_, warp_, r_}, i), at(before, {(lane_ + distance) % lanes, warp_, r_}, i));
        });
        reduction.tree.push_back(exchanged);
        before = exchanged;
    }
    if (warps_share_a_row()) {
        reduction.cross = Func(name + "_warps");
        reduction.cross(warp_, r_) = tuple([&](size_t i) { return at(before, {0, warp_, r_}, i); });
    }

    Func all(name);
    all(lane_, warp_, r_) = tuple([&](size_t i) {
        std::vector<Expr> warps;
        for (int w = 0; w < shape_.warps; w++) {
            warps.push_back(warps_share_a_row() ? at(reduction.cross, {w, r_}, i) : at(before, {lane_, warp_, r_}, i));
        }
        return pairwise(warps, combine);
    });
    scalars_.push_back(all);
    reduction.each_warp = warps_share_a_row() ? LoopLevel(reduction.cross, warp_) : LoopLevel(all, r_);
    std::vector<Expr> results;
    for (size_t i = 0; i < terms.size(); i++) {
        results.push_back(at(all, {lane_, warp_, r_}, i));
    }
    reductions_.push_back(reduction);
    return results;
}

void CudaRow::schedule_reduction(Reduction &reduction, const LoopLevel &each_row) const {
    if (warps_share_a_row()) {
        reduction.cross.compute_at(each_row).store_in(MemoryType::GPUShared).gpu_threads(warp_);
    }
    for (Func f : reduction.tree) {
        f.compute_at(reduction.each_warp).store_in(MemoryType::Register).align_bounds(lane_, lanes).gpu_lanes(lane_);
    }
    reduction.part.compute_at(reduction.tree.front(), lane_).store_in(MemoryType::Register).vectorize(v_);
    reduction.part.update().reorder(v_, reduction.along).vectorize(v_);
    if (shape_.in_registers()) {
        reduction.part.update().unroll(reduction.along);
    }
}

std::vector<Expr> CudaRow::means(const std::string &name, const std::vector<RowValue> &terms) {
    std::vector<Expr> means;
    for (const Expr &sum : reduce(name, terms, 0.0f, [](Expr a, Expr b) { return a + b; })) {
        // A product with 1 / hidden would be fused with what it is subtracted from, in some places and not in others.
        Expr mean = Internal::Call::make(Float(32), Internal::Call::strict_div, {sum, cast<float>(hidden_)},
                                         Internal::Call::PureIntrinsic);
        means.push_back(cast<double>(mean));
    }
    return means;
}

Expr CudaRow::largest(const std::string &name, const RowValue &value) {
    RowValue magnitude = [=](Expr d) { return magnitude_bits(value(d)); };
    return reinterpret<float>(
        reduce(name, {magnitude}, cast<uint32_t>(0), [](Expr a, Expr b) { return max(a, b); })[0]);
}

void CudaRow::column_sum(const std::string &role, RowValue value) {
    Func f(role);
    f(d_, r_) = of_thread_at(d_, value(d_));
    column_outputs_.push_back(f);
}

// The last rows of a block, or of strips, may not be there.
Expr CudaRow::row_of(const Expr &r) const { return shape_.rows == 1 && !shape_.strips ? r : min(r, rows_ - 1); }

// The first one says how long a row is, if it is not known yet.
void CudaRow::bound_hidden(Internal::Dimension dimension) {
    if (!hidden_.defined()) {
        const int multiple = std::max(shape_.vector, shape_.group);
        hidden_ = shape_.in_registers() ? Expr(shape_.hidden) : dimension.extent() / multiple * multiple;
    }
    dimension.set_bounds(0, hidden_).set_stride(1);
}

void CudaRow::bound_rows(Internal::Dimension dimension) const {
    const int multiple = shape_.any_alignment ? 1 : shape_.vector;
    dimension.set_min(0).set_stride(dimension.stride() / multiple * multiple);
}

RowValue CudaRow::load(const std::string &role, DType type) {
    ImageParam image(halide_type(type), 2, role);
    bound_hidden(image.dim(0));
    bound_rows(image.dim(1));
    if (!rows_.defined()) {
        rows_ = image.dim(1).extent();
    }
    inputs_.push_back(image);
    if (!shape_.in_registers()) {
        return [=, row = row_of(r_)](Expr d) { return widen(image(d, row)); };
    }
    Func f = keep_row(role + "_row", image(d_, row_of(r_)));
    return [=, r = r_](Expr d) { return widen(f(d, r)); };
}

RowValue CudaRow::parameter(const std::string &role, DType type) {
    ImageParam image(halide_type(type), 1, role);
    bound_hidden(image.dim(0));
    inputs_.push_back(image);
    return [=](Expr d) { return widen(image(d)); };
}

Expr CudaRow::per_row(const std::string &role) {
    ImageParam image(Float(32), 1, role);
    image.dim(0).set_min(0).set_stride(Expr());
    inputs_.push_back(image);
    return image(row_of(r_));
}

Expr CudaRow::scalar(const std::string &role) {
    Param<float> param(role);
    inputs_.push_back(param);
    return param;
}

Func CudaRow::keep_row(const std::string &name, const Expr &value) {
    Func f(name);
    f(d_, r_) = of_thread_at(d_, value);
    rows_kept_.push_back(f);
    return f;
}

RowValue CudaRow::keep(const std::string &name, DType type, RowValue value) {
    Func f = keep_row(name, narrow(type, value(d_)));
    return [=, r = r_](Expr d) {
        // A sweep makes anew what is not in registers.
        return widen(in_sweep_ && !shape_.in_registers() ? narrow(type, value(d)) : f(d, r));
    };
}

Expr CudaRow::of_thread_at(const Expr &d, const Expr &value) const {
    const Expr vector = d / shape_.vector;
    return substitute(
        {{lane_.name(), vector % lanes}, {warp_.name(), vector / lanes % shape_.warps}, {span_.name(), vector / lanes}},
        value);
}

Expr CudaRow::once(const std::string &name, Expr value) {
    Func f(name + "_once");
    f(lane_, warp_, r_) = in_single_precision(value);
    scalars_.push_back(f);
    return cast(value.type(), f(lane_, warp_, r_));
}

void CudaRow::store(const std::string &role, DType type, RowValue value) {
    Func f(role);
    f(d_, r_) = of_thread_at(d_, narrow(type, value(d_)));
    element_outputs_.insert(role == "y" ? element_outputs_.begin() : element_outputs_.end(), f);
}

void CudaRow::store_scalar(const std::string &role, Expr value) {
    Func f(role);
    f(r_) = substitute({{lane_.name(), 0}, {warp_.name(), 0}}, in_single_precision(value));
    scalar_outputs_.push_back(f);
}

}  // namespace norma
