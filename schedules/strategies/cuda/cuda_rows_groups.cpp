// SPDX-License-Identifier: MIT
// The largest magnitude of each group of consecutive elements of a row: a few neighbouring lanes of one warp hold a
// group, and exchange what they found.
#include "cuda_rows.h"
#include "generators/algorithms/numeric.h"
#include "generators/passes/cuda/every_lane.h"

namespace norma {

using namespace Halide;

namespace {

constexpr int lanes = 32;

// The lane at `distance`, a power of two, in the same 2 * distance lanes: both exchange what they hold.
Expr partner(const Expr &lane, int distance) {
    const int both = 2 * distance;
    return lane / both * both + (lane + distance) % both;
}

}  // namespace

RowValue CudaRow::group_amax(const std::string &name, int, const RowValue &value) {
    const std::vector<Expr> here = {lane_, span_, r_};
    const Expr at_vector = lane_ + lanes * span_;
    // What lies beyond the row belongs to groups that nobody reads.
    const Expr within = shape_.in_registers() ? at_vector : min(at_vector, hidden_ / shape_.vector - 1);
    group_part_ = Func(name + "_part");
    {
        Internal::ScopedValue<bool> sweep(in_sweep_, true);
        group_part_(v_, lane_, span_, r_) =
            substitute(warp_.name(), span_ % shape_.warps, magnitude_bits(value(v_ + shape_.vector * within)));
    }
    Expr most = cast<uint32_t>(0);
    for (int v = 0; v < shape_.vector; v++) {
        most = max(most, group_part_(v, lane_, span_, r_));
    }
    Func before(name + "_thread");
    before(here) = most;
    group_tree_ = {before};
    for (int distance = lanes_of_group() / 2; distance >= 1; distance /= 2) {
        Func exchanged(name + "_lanes_" + std::to_string(distance));
        exchanged(here) = max(before(here), before(partner(lane_, distance), span_, r_));
        group_tree_.push_back(exchanged);
        before = exchanged;
    }
    return [=, amax = before](Expr) { return reinterpret<float>(amax(here)); };
}

// The first lanes of a warp store, each a group: they take it from the first lane that holds it.
void CudaRow::store_groups(const std::string &role, int, RowValue value) {
    const int groups = lanes / lanes_of_group();  // of the warp, side by side
    Func gathered(role + "_gathered"), f(role);
    gathered(lane_, span_, r_) = substitute(lane_.name(), lane_ % groups * lanes_of_group(), value(d_));
    group_tree_.push_back(gathered);
    f(d_, r_) = gathered(d_ % groups, d_ / groups, r_);
    group_outputs_.push_back(f);
}

void CudaRow::bound_groups(const Expr &rows) {
    for (Func f : group_outputs_) {
        const Expr groups = hidden_ / shape_.group;
        f.output_buffer().dim(0).set_bounds(0, groups).set_stride(1);
        f.output_buffer().dim(1).set_min(0).set_extent(rows);
        f.bound(d_, 0, groups);
    }
}

// Returns how many exchanges of lanes there are.
int CudaRow::schedule_groups(Pipeline &pipeline, const Func &first, const LoopLevel &each_row) {
    if (!has_groups()) {
        return 0;
    }
    const bool whole = shape_.in_registers();
    Func largest = group_tree_[group_tree_.size() - 2], gathered = group_tree_.back();
    std::set<std::string> names;
    for (Func f : group_tree_) {
        names.insert(f.name());
        f.bound(lane_, 0, lanes);
        if (whole && (f.name() == largest.name() || f.name() == gathered.name())) {
            keep_in_registers(pipeline, f, 1, shape_.chunks, each_row);
            f.split(span_, chunk_, warp_, shape_.warps).reorder(lane_, chunk_, warp_).unroll(chunk_);
            schedule_threads(f);
        } else {
            f.compute_at(whole ? LoopLevel(largest, chunk_) : LoopLevel(first, chunk_)).store_in(MemoryType::Register);
            f.bound_extent(span_, 1).bound_extent(r_, 1).gpu_lanes(lane_);
        }
    }
    group_part_.compute_at(group_tree_.front(), lane_).store_in(MemoryType::Register).vectorize(v_);
    pipeline.add_custom_lowering_pass(new EveryLanePass(names));
    return ((int)group_tree_.size() - 2) * (whole ? shape_.chunks : 1);
}

}  // namespace norma
