// SPDX-License-Identifier: MIT
// The algorithm as it is written: unscheduled, sums in float64. What every lowering is held against.
// With fp32 sums it is what Halide's autoschedulers are given.
#pragma once

#include "row.h"

namespace norma {

class OracleRow : public Row {
public:
    explicit OracleRow(Halide::Type sum = Halide::Float(64)) : sum_(sum) {}

    RowValue load(const std::string &role, norma_dtype type) override;
    RowValue parameter(const std::string &role, norma_dtype type) override;
    RowValue prepare(const std::string &, RowValue value) override { return value; }
    Halide::Expr per_row(const std::string &role, const Halide::Type &type) override;
    Halide::Expr scalar(const std::string &role) override;
    RowValue keep(const std::string &name, norma_dtype type, RowValue value) override;
    std::vector<Halide::Expr> means(const std::string &name, const std::vector<Term> &terms) override;
    Halide::Expr amax(const std::string &name, const RowValue &value) override;
    RowValue group_amax(const std::string &name, int size, const RowValue &value) override;
    Halide::Expr once(const std::string &, Halide::Expr value) override { return value; }
    void store(const std::string &role, norma_dtype type, RowValue value) override;
    void store_groups(const std::string &role, int size, RowValue value) override;
    void store_scalar(const std::string &role, Halide::Expr value) override;
    void column_sum(const std::string &role, Term term) override;

    // Outputs in the order that the algorithm stored them.
    Halide::Pipeline lower() const;
    // What loops over a row or over the rows. Inlined, as they are unless scheduled, each element would loop anew.
    const std::vector<Halide::Func> &reductions() const { return reductions_; }
    // Tells an autoscheduler what sizes to expect. After lower().
    void estimate(int rows, int hidden);
    const std::vector<Halide::Argument> &inputs() const { return inputs_; }

private:
    Halide::Type sum_;
    Halide::Expr extent_, rows_;
    Halide::Var d_{"d"}, r_{"r"};
    std::vector<Halide::Argument> inputs_;
    std::vector<Halide::ImageParam> rows_of_, vectors_, per_row_;
    std::vector<Halide::Param<float>> scalars_;
    std::vector<Halide::Func> outputs_, reductions_, column_outputs_;
    int group_size_ = 0;
};

}  // namespace norma
