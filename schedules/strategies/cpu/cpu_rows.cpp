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
#include "generators/passes/cpu/staged_rows.h"
#include "generators/passes/cpu/store_mode.h"
#include "generators/passes/cpu/tail_loop.h"
#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"
#include "generators/passes/packed_bytes.h"

namespace norma {

using namespace Halide;
using Halide::Internal::is_const;

namespace {

// Of short rows that are streamed from one block.
constexpr int most_staged_bytes = 2 << 10;

// Of a short row whose successors are prefetched while it is streamed, unless it takes two sums: the processor's own
// prefetching does as well while no row waits long.
constexpr int least_prefetched_bytes = 1 << 10;

// Of long 16-bit rows that are worked on together: more of them would not stay in a second-level cache.
constexpr int most_shared_elements = 16384;

// The narrowest elements of a register that is loaded and stored in part, before AVX-512.
int least_masked_bits(const Target &target) { return target.has_feature(Target::AVX2) ? 32 : 128; }

// Whether the values use Funcs, inputs among them, beside those named.
bool uses_others(const std::vector<Expr> &values, const std::set<std::string> &names) {
    class Uses : public Internal::IRVisitor {
    public:
        explicit Uses(const std::set<std::string> &names) : names_(names) {}
        bool others = false;

    private:
        using IRVisitor::visit;
        void visit(const Internal::Call *op) override {
            const bool is_func = op->call_type == Internal::Call::Halide || op->call_type == Internal::Call::Image;
            others = others || (is_func && names_.count(op->name) == 0);
            IRVisitor::visit(op);
        }
        const std::set<std::string> &names_;
    } uses(names);
    for (const Expr &value : values) {
        value.accept(&uses);
    }
    return uses.others;
}

}  // namespace

Pipeline CpuRow::lower(const Target &target) {
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
    for (auto &[f, in_vectors] : scalars_) {
        in_vectors_of_rows(f.compute_at(each_group), in_vectors).store_in(MemoryType::Stack);
    }
    for (Func f : groups_) {
        each_row(f.compute_at(each_group)).store_in(MemoryType::Heap);
    }
    for (Func f : once_per_group_) {
        each_row(f.compute_at(each_group)).store_in(MemoryType::Heap);
        f.vectorize(d_, knobs_.vector, TailStrategy::Predicate);
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
    Pipeline pipeline(outputs);
    inputs_.emplace_back("store_mode", Argument::InputScalar, Int(32), 0, ArgumentEstimates{});
    pipeline.add_custom_lowering_pass(new LaneTreePass);
    pipeline.add_custom_lowering_pass(new RareSweepPass(rare_sums, row_vectors() ? rows_in_flight() : 1));
    pipeline.add_custom_lowering_pass(new OutputStoresPass(names(column_outputs_), add_to_memory));
    const std::set<std::string> element_outputs = names(element_outputs_);
    const bool by_columns = !column_outputs_.empty();
    const int rows = rows_in_flight(), together = std::min(rows, most_shared_rows);
    if (short_rows()) {
        const int side_by_side = by_columns ? rows : 1;
        const bool two_sums =
            std::any_of(sums_.begin(), sums_.end(), [](const Sum &sum) { return sum.mean.outputs() > 1; });
        pipeline.add_custom_lowering_pass(new StagedRowsPass(
            element_outputs, knobs_.stream_bytes, extent_, most_staged_bytes / (element_bytes_ * side_by_side),
            knobs_.short_stream_batch * knobs_.store_lanes, by_columns ? 0 : rows,
            two_sums ? 0 : least_prefetched_bytes / element_bytes_));
    }
    if (rows > 1 && !by_columns) {
        pipeline.add_custom_lowering_pass(new SharedRowsPass(element_outputs, together, rows > together));
    }
    pipeline.add_custom_lowering_pass(new StoreModePass(
        element_outputs, knobs_.stream_bytes,
        short_rows() && !by_columns ? knobs_.short_stream_batch : knobs_.stream_batch, rows_of_group()));
    pipeline.add_custom_lowering_pass(new EitherPass);
    if (!target.has_feature(Target::AVX512)) {
        pipeline.add_custom_lowering_pass(new TailLoopPass(knobs_.vector, least_masked_bits(target)));
    }
    pipeline.add_custom_lowering_pass(new PackedBytesPass);
    pipeline.add_custom_lowering_pass(new FusedMultiplyAddPass(knobs_.native_fma != 0));
    pipeline.add_custom_lowering_pass(new PairedSumsPass);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(knobs_.native_f16 != 0, knobs_.native_bf16 != 0));
    return pipeline;
}

void CpuRow::bound_outputs() {
    // Partial statistics have no element.
    const bool elements = !element_outputs_.empty();
    Func first = elements ? element_outputs_.front() : scalar_outputs_.front();
    Expr rows = first.output_buffer().dim(elements ? 1 : 0).extent();
    auto bound_row = [&](Func f) {
        f.output_buffer().dim(0).set_bounds(0, extent_).set_stride(1);
        f.output_buffer().dim(1).set_min(0);
        if (f.name() != first.name()) {
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
        f.output_buffer().dim(0).set_min(0).set_stride(Expr());
        if (f.name() != first.name()) {
            f.output_buffer().dim(0).set_extent(rows);
        }
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

bool CpuRow::has_tail(int width) const { return (hidden_.exact != 0 ? hidden_.exact : hidden_.multiple) % width != 0; }

bool CpuRow::short_rows() const { return cpu_rows_are_short(knobs_, hidden_); }

int CpuRow::rows_in_flight() const {
    return short_rows() ? rows_ : !column_outputs_.empty() ? knobs_.column_rows : has_half_ ? knobs_.long_half_rows : 1;
}

Expr CpuRow::rows_of_group() const {
    const Expr rows = rows_in_flight();
    const bool depends = !short_rows() && column_outputs_.empty() && rows_in_flight() > 1;
    return depends ? select(extent_ > most_shared_elements, 1, rows) : rows;
}

RowValue CpuRow::load(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 2, role);
    element_bytes_ = std::max(element_bytes_, halide_type(type).bytes());
    has_bf16_ = has_bf16_ || type == NORMA_BF16;
    has_half_ = has_half_ || halide_type(type).bits() == 16;
    if (!extent_.defined()) {
        all_rows_ = image.dim(1).extent();
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

Expr CpuRow::per_row(const std::string &role, const Type &type) {
    ImageParam image(type, 1, role);
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

Expr CpuRow::either(const Expr &condition, const Expr &plain, const Expr &general) {
    return mark_either(condition, plain, general);
}

Expr CpuRow::once(const std::string &name, Expr value) { return once_together(name, {std::move(value)})[0]; }

std::set<std::string> CpuRow::once_per_row() const {
    std::set<std::string> names;
    for (const auto &[f, in_vectors] : scalars_) {
        names.insert(f.name());
    }
    for (const Sum &sum : sums_) {
        names.insert(sum.mean.name());
    }
    return names;
}

// A loop over the rows in flight, whose results go through memory: the fewer, the shorter each row waits. What rare
// rows need is stored over it, under a branch: most rows do not wait for it.
std::vector<Expr> CpuRow::once_together(const std::string &name, std::vector<Expr> values,
                                        const std::vector<Expr> &stored) {
    values.insert(values.end(), stored.begin(), stored.end());
    std::vector<Expr> computed;
    std::copy_if(values.begin(), values.end(), std::back_inserter(computed),
                 [](const Expr &e) { return !is_const(e); });
    const bool in_vectors = row_vectors() && !uses_others(computed, once_per_row());
    for (Expr &value : computed) {
        value = in_vectors && value.type().is_bool() ? value && r_ < all_rows_ : value;
    }
    Cases cases = cases_of(computed);
    Func f(name + "_once");
    f(r_) = Tuple(cases.usual);
    if (cases.condition.defined()) {
        RDom once(0, 1, name + "_rare");
        once.where(cases.condition);
        cases.rare[0] = select(once.x == 0, cases.rare[0], cases.usual[0]);  // a domain has to be used
        f(r_) = Tuple(cases.rare);
    }
    scalars_.emplace_back(f, in_vectors);
    int i = 0;
    const Expr row = in_vectors ? Expr(r_) : row_that_is_there();
    for (Expr &value : values) {
        if (!is_const(value)) {
            value = f.outputs() == 1 ? Expr(f(row)) : Expr(f(row)[i++]);
        }
    }
    return values;
}

void CpuRow::store(const std::string &role, norma_dtype type, RowValue value) {
    Func f(role);
    f(d_, r_) = narrow(type, value(d_));
    element_bytes_ = std::max(element_bytes_, halide_type(type).bytes());
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

}  // namespace norma
