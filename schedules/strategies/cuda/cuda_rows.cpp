// SPDX-License-Identifier: MIT
#include "cuda_rows.h"

#include <algorithm>
#include <stdexcept>

#include "generators/algorithms/numeric.h"
#include "generators/passes/cpu/output_stores.h"
#include "generators/passes/cuda/bfloat_pair.h"
#include "generators/passes/cuda/block_guard.h"
#include "generators/passes/cuda/butterfly.h"
#include "generators/passes/cuda/column_sums.h"
#include "generators/passes/cuda/double_buffered_shared.h"
#include "generators/passes/cuda/nan_byte.h"
#include "generators/passes/cuda/register_element.h"
#include "generators/passes/cuda/register_row.h"
#include "generators/passes/cuda/rows_ahead.h"
#include "generators/passes/cuda/single_precision.h"
#include "generators/passes/cuda/strip_loop.h"
#include "generators/passes/cuda/thread_barrier.h"
#include "generators/passes/cuda/wide_access.h"
#include "generators/passes/cuda/wide_shared.h"
#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"

namespace norma {

using namespace Halide;

Pipeline CudaRow::lower() {
    std::vector<Func> of_elements = element_outputs_;  // of which partial statistics have none
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
        schedule_row(f, shape_.vector, shape_.lanes);
        // What is not in registers is loaded for all outputs together, before any of them overwrites it.
        if (f.name() != first.name()) {
            f.compute_with(first, shape_.in_registers() ? each_row() : each_element());
        }
    }
    for (Func f : group_outputs_) {
        schedule_row(f, 1, shape_.lanes / lanes_of_group());
        f.compute_with(first, shape_.in_registers() ? each_row() : chunk_);
    }
    for (Func f : scalar_outputs_) {
        if (shape_.rows > 1) {  // a loop over lanes, or the rows would be taken for one
            Var lane("lane");
            f.split(row_, row_, lane, 1).gpu_lanes(lane);
        }
        if (f.name() != first.name()) {
            f.compute_with(first, each_row());
        }
    }
    Pipeline pipeline(outputs);
    const LoopLevel at_row(first, each_row());
    schedule_kept(pipeline, first, at_row);
    int exchanges = schedule_groups(pipeline, first, at_row);
    for (Reduction &reduction : reductions_) {
        schedule_reduction(reduction, at_row);
        for (const std::vector<Func> &tree : {reduction.tree, reduction.over_warps}) {
            exchanges += tree.empty() ? 0 : (int)(tree.size() - 1) * tree.front().outputs();
        }
    }
    pipeline.add_custom_lowering_pass(new ButterflyPass(exchanges, same_in_all_lanes()));
    const int shared = warps_share_a_row() ? (int)reductions_.size() : 0;
    pipeline.add_custom_lowering_pass(new ThreadBarrierPass(shared));
    if (shared > (shape_.strips ? 0 : 1)) {
        pipeline.add_custom_lowering_pass(new DoubleBufferedSharedPass(shared, shape_.strips ? step_.name() : ""));
    }
    pipeline.add_custom_lowering_pass(new OutputStoresPass({"mean", "rstd"}, store_if_wanted));
    if (shape_.strips) {
        add_strip_passes(pipeline);
    } else {
        pipeline.add_custom_lowering_pass(new BlockGuardPass);
    }
    pipeline.add_custom_lowering_pass(new WideSharedPass);
    pipeline.add_custom_lowering_pass(new WideAccessPass(shape_.any_alignment));
    if (shape_.rows_ahead > 0) {
        pipeline.add_custom_lowering_pass(
            new RowsAheadPass(step_.name(), shape_.rows, shape_.rows_ahead, most_shared_bytes));
    }
    pipeline.add_custom_lowering_pass(new BfloatPairPass);
    pipeline.add_custom_lowering_pass(new FusedMultiplyAddPass(true));
    pipeline.add_custom_lowering_pass(new HalfConvertPass(true, false));
    pipeline.add_custom_lowering_pass(new RegisterElementPass);
    pipeline.add_custom_lowering_pass(new NanBytePass);
    return pipeline;
}

std::set<std::string> CudaRow::same_in_all_lanes() const {
    std::set<std::string> names;
    for (const Func &f : scalars_) {
        names.insert(f.name());
    }
    for (const Reduction &reduction : reductions_) {
        names.insert(reduction.tree.back().name());
    }
    return names;
}

void CudaRow::add_strip_passes(Pipeline &pipeline) const {
    std::set<std::string> sums;
    for (const Func &f : column_outputs_) {
        sums.insert(f.name());
    }
    const int slots = shape_.sums_in_registers ? shape_.vector * shape_.chunks : 0;
    pipeline.add_custom_lowering_pass(
        new StripLoopPass(step_.name(), shape_.rows, shape_.rows_of_warp(), element_outputs_.front().name()));
    pipeline.add_custom_lowering_pass(
        new ColumnSumsPass(step_.name(), shape_.rows, sums, shape_.vector, shape_.lanes * shape_.warps, slots));
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
            schedule_row(f, shape_.vector, shape_.lanes);
            continue;
        }
        f.compute_at(first, each_element()).store_in(MemoryType::Register);
        f.bound_extent(d_, shape_.vector).bound_extent(r_, 1).vectorize(d_);
    }
    for (Func f : scalars_) {
        if (element_outputs_.empty()) {  // no thread but the first asks for it
            f.bound(lane_, 0, shape_.lanes).bound(warp_, 0, shape_.warps);
        }
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
    const bool elements = !element_outputs_.empty();
    Func first = elements ? element_outputs_.front() : scalar_outputs_.front();
    Expr rows = first.output_buffer().dim(elements ? 1 : 0).extent();
    for (Func f : element_outputs_) {
        OutputImageParam buffer = f.output_buffer();
        bound_hidden(buffer.dim(0));
        bound_rows(buffer.dim(1));
        if (f.name() != first.name()) {
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
        f.output_buffer().dim(0).set_min(0).set_stride(Expr());
        if (f.name() != first.name()) {
            f.output_buffer().dim(0).set_extent(rows);
        }
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

void CudaRow::column_sum(const std::string &role, Term term) {
    Func f(role);
    f(d_, r_) = of_thread_at(d_, term.value(d_));
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

RowValue CudaRow::load(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 2, role);
    bound_hidden(image.dim(0));
    bound_rows(image.dim(1));
    if (!rows_.defined()) {
        rows_ = image.dim(1).extent();
    }
    inputs_.push_back(image);
    if (!shape_.in_registers() || shape_.load_again) {
        return [=, row = row_of(r_)](Expr d) { return widen(image(d, row)); };
    }
    Func f = keep_row(role + "_row", image(d_, row_of(r_)));
    return [=, r = r_](Expr d) { return widen(f(d, r)); };
}

RowValue CudaRow::parameter(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 1, role);
    bound_hidden(image.dim(0));
    inputs_.push_back(image);
    return [=](Expr d) { return widen(image(d)); };
}

Expr CudaRow::per_row(const std::string &role, const Type &type) {
    ImageParam image(type, 1, role);
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

RowValue CudaRow::keep(const std::string &name, norma_dtype type, RowValue value) {
    Func f = keep_row(name, narrow(type, value(d_)));
    return [=, r = r_](Expr d) {
        // A sweep makes anew what is not in registers.
        return widen(in_sweep_ && !shape_.in_registers() ? narrow(type, value(d)) : f(d, r));
    };
}

Expr CudaRow::of_thread_at(const Expr &d, const Expr &value) const {
    const Expr vector = d / shape_.vector;
    return substitute({{lane_.name(), vector % shape_.lanes},
                       {warp_.name(), vector / shape_.lanes % shape_.warps},
                       {span_.name(), vector / shape_.lanes}},
                      value);
}

Expr CudaRow::keep_once(const std::string &name, const Expr &value) {
    Func f(name + "_once");
    f(lane_, warp_, r_) = value;
    scalars_.push_back(f);
    return f(lane_, warp_, r_);
}

Expr CudaRow::in_float64(const std::string &name, Expr value) {
    return cast<double>(keep_once(name, cast<float>(value)));
}

// A condition is found again where it is needed.
Expr CudaRow::once(const std::string &name, Expr value) {
    if (value.type().is_bool()) {
        return in_single_precision(value);
    }
    return cast(value.type(), keep_once(name, in_single_precision(value)));
}

void CudaRow::store(const std::string &role, norma_dtype type, RowValue value) {
    Func f(role);
    f(d_, r_) = of_thread_at(d_, narrow(type, value(d_)));
    element_outputs_.insert(role == "y" ? element_outputs_.begin() : element_outputs_.end(), f);
}

void CudaRow::store_scalar(const std::string &role, Expr value) {
    Func f(role);
    const Expr stored = value.type() == Float(64) ? value : in_single_precision(value);
    f(r_) = substitute({{lane_.name(), 0}, {warp_.name(), 0}}, stored);
    scalar_outputs_.push_back(f);
}

}  // namespace norma
