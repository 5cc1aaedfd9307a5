// SPDX-License-Identifier: MIT
// What an algorithm sees: one row of a [rows, hidden] tensor, and what it can ask of it.
// An op is written once against Row, in the order of its formula; each implementation of Row lowers it to one family of
// hardware, owns the Funcs that it makes, and so owns their schedule.
#pragma once

#include <Halide.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant.h"

namespace norma {

// An fp32 expression of the index of an element in the current row. To be stored, also one of the type in memory.
using RowValue = std::function<Halide::Expr(Halide::Expr d)>;

class Row {
public:
    virtual ~Row() = default;

    // A row of an activation [rows, hidden], and a [hidden] parameter shared by all rows; widened to fp32 on each use.
    virtual RowValue load(const std::string &role, norma_dtype type) = 0;
    virtual RowValue parameter(const std::string &role, norma_dtype type) = 0;

    // An fp32 number that is given for each row, such as a statistic that the forward saved.
    virtual Halide::Expr per_row(const std::string &role) = 0;

    // A value that does not depend on the row, computed once for all rows of a call.
    virtual RowValue prepare(const std::string &name, RowValue value) = 0;

    // A number given at run time.
    virtual Halide::Expr scalar(const std::string &role) = 0;

    // The same values, computed once and kept for the rest of the row. Needed where an output may overwrite an input.
    virtual RowValue keep(const std::string &name, norma_dtype type, RowValue value) = 0;

    // Means over the row, as float64: summed in fp32, finished in float64. Means asked for together share one sweep.
    virtual std::vector<Halide::Expr> means(const std::string &name, const std::vector<RowValue> &terms) = 0;
    Halide::Expr mean(const std::string &name, const RowValue &term) { return means(name, {term})[0]; }

    // The largest magnitude of the row as fp32; NaN where there is one. And that of each group of `size` consecutive
    // elements, as a function of the group.
    virtual Halide::Expr amax(const std::string &name, const RowValue &value) = 0;
    virtual RowValue group_amax(const std::string &name, int size, const RowValue &value) = 0;

    // Both in one sweep, where an implementation can: the mean of `term` and the largest magnitude of `value`.
    struct MeanAndAmax {
        Halide::Expr mean, amax;
    };
    virtual MeanAndAmax mean_and_amax(const std::string &name, const RowValue &term, const RowValue &value) {
        return {mean(name, term), amax(name + "_largest", value)};
    }

    // Computed once per row, however often it is used; of the type of `value`.
    virtual Halide::Expr once(const std::string &name, Halide::Expr value) = 0;

    // Outputs: a row of an activation, rounded once to its type; one fp32 number per group of it; and one per row.
    virtual void store(const std::string &role, norma_dtype type, RowValue value) = 0;
    virtual void store_groups(const std::string &role, int size, RowValue value) = 0;
    virtual void store_scalar(const std::string &role, Halide::Expr value) = 0;

    // For each column, the sum of `value` over the rows of this call, added in fp32 and in the order of the rows to
    // what the output holds. The rows of one call are one strip; what adds up the strips stands outside of the row.
    virtual void column_sum(const std::string &role, RowValue value) = 0;
};

}  // namespace norma
