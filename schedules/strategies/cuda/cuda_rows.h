// SPDX-License-Identifier: MIT
// Strategy cuda_rows: a row of an exact length in the registers of a warp, or of a block of warps, so that every
// element is loaded and stored once. A row of any other length is swept anew for each of its sums, from cache where it
// fits.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cuda_rows_knobs.h"
#include "generators/algorithms/row.h"

namespace norma {

class CudaRow : public Row {
public:
    explicit CudaRow(const CudaShape &shape) : shape_(shape) {}

    RowValue load(const std::string &role, norma_dtype type) override;
    RowValue parameter(const std::string &role, norma_dtype type) override;
    RowValue prepare(const std::string &, RowValue value) override { return value; }
    Halide::Expr per_row(const std::string &role, const Halide::Type &type) override;
    Halide::Expr scalar(const std::string &role) override;
    RowValue keep(const std::string &name, norma_dtype type, RowValue value) override;
    std::vector<Halide::Expr> means(const std::string &name, const std::vector<Term> &terms) override;
    Halide::Expr amax(const std::string &name, const RowValue &value) override;
    MeanSquareAndAmax mean_square_and_amax(const std::string &name, const RowValue &x, norma_dtype held,
                                           const Halide::Expr &eps, const RowValue &value) override;
    RowValue group_amax(const std::string &name, int size, const RowValue &value) override;
    bool has_float64() const override { return false; }
    Halide::Expr in_float64(const std::string &name, Halide::Expr value) override;
    Halide::Expr once(const std::string &name, Halide::Expr value) override;
    void store(const std::string &role, norma_dtype type, RowValue value) override;
    void store_groups(const std::string &role, int size, RowValue value) override;
    void store_scalar(const std::string &role, Halide::Expr value) override;
    void column_sum(const std::string &role, Term term) override;

    // Schedules everything that the algorithm made. Call once, after the algorithm.
    Halide::Pipeline lower();
    const std::vector<Halide::Argument> &inputs() const { return inputs_; }

private:
    using Combine = std::function<Halide::Expr(Halide::Expr, Halide::Expr)>;

    struct Reduced {
        RowValue term;
        Halide::Expr zero;
        Combine combine;
    };
    static Reduced sum(const Term &term);
    static Reduced largest(const RowValue &value);  // its bits
    Halide::Expr mean_of(const Halide::Expr &sum) const;

    // What all threads of a row learn from all of its elements: one or more values, found in one sweep.
    struct Reduction {
        Halide::Func part;  // of a thread, by v
        Halide::RVar along;
        std::vector<Halide::Func> tree;        // of a thread, then over the lanes of its warp
        Halide::Func cross;                    // of each warp, in shared memory, where warps share a row
        Halide::Func gathered;                 // of both halves of the warps
        std::vector<Halide::Func> over_warps;  // where there are many: of the warp that a lane takes, then over these
        Halide::Func all;
        Halide::LoopLevel each_warp;
    };

    Halide::Expr keep_once(const std::string &name, const Halide::Expr &value);
    std::vector<Halide::Expr> reduce(const std::string &name, const std::vector<Reduced> &values);
    Halide::RVar reduce_chunks(const std::string &name, Halide::Func part, const std::vector<Reduced> &values,
                               std::vector<size_t> &errors);
    Halide::Expr row_of(const Halide::Expr &r) const;
    void bound_hidden(Halide::Internal::Dimension dimension);
    Halide::Var each_row() const { return shape_.strips ? step_ : block_; }
    void bound_rows(Halide::Internal::Dimension dimension) const;
    Halide::Expr of_thread_at(const Halide::Expr &d, const Halide::Expr &value) const;
    Halide::Func keep_row(const std::string &name, const Halide::Expr &value);
    void bound_outputs();
    void schedule_kept(Halide::Pipeline &pipeline, const Halide::Func &first, const Halide::LoopLevel &each_row);
    void keep_in_registers(Halide::Pipeline &pipeline, Halide::Func f, int vector, int slots,
                           const Halide::LoopLevel &each_row) const;
    std::set<std::string> same_in_all_lanes() const;
    void add_strip_passes(Halide::Pipeline &pipeline) const;
    void schedule_blocks(Halide::Func f) const;
    void schedule_row(Halide::Func f, int vector, int lanes);
    bool has_groups() const { return shape_.group > 1; }
    int lanes_of_group() const { return shape_.group / shape_.vector; }
    void bound_groups(const Halide::Expr &rows);
    int schedule_groups(Halide::Pipeline &pipeline, const Halide::Func &first, const Halide::LoopLevel &each_row);
    // Of the outputs' loops: where an element is at hand. Lanes exchange what they know of a group before that.
    Halide::Var each_element() const { return has_groups() && !shape_.in_registers() ? lane_ : chunk_; }
    void schedule_threads(Halide::Func f) const;
    void schedule_reduction(Reduction &reduction, const Halide::LoopLevel &each_row) const;
    bool warps_share_a_row() const { return shape_.warps > 1; }

    CudaShape shape_;
    Halide::Expr rows_, hidden_;
    Halide::Param<int32_t> strips_{"strips"}, first_strip_{"first_strip"}, continued_{"continued"};
    bool in_sweep_ = false;
    // Of a thread: its lane and warp. Expressions of them stand for what every thread holds for itself.
    Halide::Var d_{"d"}, r_{"r"}, lane_{"lane"}, warp_{"warp"}, v_{"v"}, chunk_{"chunk"};
    Halide::Var block_{"block"}, step_{"step"}, row_{"row"};
    Halide::Var span_{"span"};  // of a warp's vectors side by side: warp + warps * chunk
    std::vector<Halide::Argument> inputs_;
    std::vector<Reduction> reductions_;
    std::vector<Halide::Func> rows_kept_, scalars_, element_outputs_, column_outputs_, group_outputs_, scalar_outputs_;
    Halide::Func group_part_;
    std::vector<Halide::Func> group_tree_;  // of a thread, then over the lanes of a group, then for its scale
};

}  // namespace norma
