// SPDX-License-Identifier: MIT
// Strategy cpu_rows: a serial kernel over a block of rows, each row reduced in vector lanes.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cpu_rows_knobs.h"
#include "generators/algorithms/row.h"

namespace norma {

class CpuRow : public Row {
public:
    // `rows`: short rows that are worked on together.
    CpuRow(const CpuRowsKnobs &knobs, HiddenClass hidden, int rows) : knobs_(knobs), hidden_(hidden), rows_(rows) {}

    RowValue load(const std::string &role, norma_dtype type) override;
    RowValue parameter(const std::string &role, norma_dtype type) override;
    RowValue prepare(const std::string &name, RowValue value) override;
    Halide::Expr per_row(const std::string &role, const Halide::Type &type) override;
    Halide::Expr scalar(const std::string &role) override;
    RowValue keep(const std::string &name, norma_dtype type, RowValue value) override;
    std::vector<Halide::Expr> means(const std::string &name, const std::vector<Term> &terms) override;
    Halide::Expr mean_square(const std::string &name, const RowValue &x, norma_dtype held,
                             const Halide::Expr &eps) override;
    MeanSquareAndAmax mean_square_and_amax(const std::string &name, const RowValue &x, norma_dtype held,
                                           const Halide::Expr &eps, const RowValue &value) override;
    Moments moments(const std::string &name, const RowValue &x, norma_dtype held, const Halide::Expr &eps) override;
    Halide::Expr amax(const std::string &name, const RowValue &value) override;
    RowValue group_amax(const std::string &name, int size, const RowValue &value) override;
    RowValue once_per_group(const std::string &name, int size, RowValue value) override;
    Halide::Expr either(const Halide::Expr &condition, const Halide::Expr &plain, const Halide::Expr &general) override;
    Halide::Expr once(const std::string &name, Halide::Expr value) override;
    std::vector<Halide::Expr> once_together(const std::string &name, std::vector<Halide::Expr> values,
                                            const std::vector<Halide::Expr> &stored = {}) override;
    Halide::Expr shared(const std::string & /*name*/, Halide::Expr value) override { return value; }
    void store(const std::string &role, norma_dtype type, RowValue value) override;
    void store_groups(const std::string &role, int size, RowValue value) override;
    void store_scalar(const std::string &role, Halide::Expr value) override;
    void column_sum(const std::string &role, Term term) override;

    // Schedules everything that the algorithm made. Call once, after the algorithm.
    Halide::Pipeline lower(const Halide::Target &target);
    // Inputs in the order that the algorithm asked for them; outputs follow in the pipeline's order.
    const std::vector<Halide::Argument> &inputs() const { return inputs_; }
    int workspace_per_element() const;

private:
    // What more short rows need once per row does not stay in registers, and is computed in vectors of rows.
    static constexpr int most_shared_rows = 4;

    struct Sum {
        Halide::Func chunk, total, folded, amax, mean;  // chunk, folded, amax: undefined unless there is one
        Halide::RVar block, part_lane, part, rest, lane;
        int lanes, total_lanes;
        bool one_chunk;          // then nothing is known of what was rounded away
        Halide::Expr condition;  // undefined: every row is swept
    };

    struct Reduced {
        std::vector<Halide::Expr> means;
        Halide::Expr amax;
    };

    // The means of `terms` and, where there is a `value`, its largest magnitude: in one sweep.
    Reduced reduce(const std::string &name, const std::vector<Term> &terms, const RowValue &value);
    // Means of rows for which the condition holds, and what becomes of them; of others undefined.
    std::vector<Halide::Expr> means_where(
        const Halide::Expr &condition, const std::string &name, const std::vector<Term> &terms,
        const std::function<Halide::Expr(Halide::Expr)> &finish = [](Halide::Expr mean) { return mean; });
    Halide::Expr mean_of(const Sum &sum, size_t i, size_t count) const;
    Halide::Expr rescaled(const std::string &name, const RowValue &x, norma_dtype held, const Halide::Expr &eps,
                          const Halide::Expr &mean_square);
    Halide::Expr element(Halide::Expr block, Halide::Var lane, int lanes) const;
    bool has_tail(int width) const;
    bool short_rows() const;
    int rows_in_flight() const;  // at most
    Halide::Expr rows_of_group() const;
    void bound_outputs();
    Halide::LoopLevel schedule_outputs(const std::vector<Halide::Func> &outputs);
    Halide::LoopLevel schedule_column_outputs();
    void schedule_elements(Halide::Func f) const;
    Halide::Func &each_row(Halide::Func &f) const;
    Halide::Func &in_vectors_of_rows(Halide::Func &f, bool in_vectors) const;
    bool row_vectors() const;
    std::set<std::string> once_per_row() const;  // the Funcs that are
    Halide::Expr row_that_is_there() const;
    // Of a sum or maximum in lanes: along its blocks, then the rest of the row where that has an update of its own.
    void schedule_lanes(Halide::Func f, int lanes, const Halide::VarOrRVar &lane, const Halide::RVar &along,
                        const Halide::RVar &rest) const;
    void schedule_sum(Sum &sum, const Halide::LoopLevel &each_group) const;

    CpuRowsKnobs knobs_;
    HiddenClass hidden_;
    int rows_;
    Halide::Expr extent_, all_rows_;
    Halide::Var d_{"d"}, r_{"r"}, lane_{"lane"};
    std::vector<Halide::Argument> inputs_;
    std::vector<Sum> sums_;
    std::vector<Halide::Func> groups_, once_per_group_, group_outputs_;  // of `group_size_` elements
    int group_size_ = 0;
    std::vector<std::pair<Halide::Func, bool>> scalars_;  // and whether they are computed in vectors of rows
    std::vector<Halide::Func> prepared_, kept_, element_outputs_, column_outputs_, scalar_outputs_;
    int kept_bytes_ = 0, element_bytes_ = 0;
    bool has_bf16_ = false, has_half_ = false;
};

}  // namespace norma
