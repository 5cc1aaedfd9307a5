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

// What a sum adds up: a, or the product a * b.
struct Term {
    RowValue a, b = nullptr;

    Halide::Expr value(const Halide::Expr &d) const { return b ? a(d) * b(d) : a(d); }
};

// What centres a row and scales it: scale * x - shift - mean has the mean 0. `scale` is a power of two, 1 unless the
// row's squares would leave the range of fp32, and `unscale` its inverse; they and `shift` are fp32. The mean and the
// variance are those of scale * x - shift, as float64.
struct Moments {
    Halide::Expr scale, unscale, shift, mean, variance;
    Halide::Expr as_is = Halide::Internal::const_false();  // whether scale * x - shift is known to be x
};

// Of fp32: whether squares of what lies `shift` away may have left its range, judged by their mean; and for a row of
// which that is so, the power of two that brings any finite row back, and its inverse.
Halide::Expr leaves_range(const Halide::Expr &mean_square, const Halide::Expr &eps, const Halide::Expr &shift);
Halide::Expr rescaling(const Halide::Expr &mean_square);
Halide::Expr unscaling(const Halide::Expr &mean_square);

// An element of a row that lies around zero is used as it is: its difference to a shift would be rounded.
Moments around(const Halide::Expr &scale, const Halide::Expr &unscale, const Halide::Expr &shift,
               const Halide::Expr &mean, const Halide::Expr &variance);

// What rounding leaves below zero becomes zero; NaN passes.
Halide::Expr non_negative(const Halide::Expr &value);

// 0 in place of what is not finite.
Halide::Expr finite_or_zero(const Halide::Expr &value);

// scale * x - shift. `minus_shift` is computed once per row.
RowValue centre(const RowValue &x, const Halide::Expr &scale, const Halide::Expr &minus_shift);

class Row {
public:
    virtual ~Row() = default;

    // A row of an activation [rows, hidden], and a [hidden] parameter shared by all rows; widened to fp32 on each use.
    virtual RowValue load(const std::string &role, norma_dtype type) = 0;
    virtual RowValue parameter(const std::string &role, norma_dtype type) = 0;

    // A number that is given for each row, such as a statistic that the forward saved.
    virtual Halide::Expr per_row(const std::string &role, const Halide::Type &type = Halide::Float(32)) = 0;

    // A value that does not depend on the row, computed once for all rows of a call.
    virtual RowValue prepare(const std::string &name, RowValue value) = 0;

    // A number given at run time.
    virtual Halide::Expr scalar(const std::string &role) = 0;

    // The same values, computed once and kept for the rest of the row. Needed where an output may overwrite an input.
    virtual RowValue keep(const std::string &name, norma_dtype type, RowValue value) = 0;

    // Means over the row, as float64: summed in fp32, finished in float64. Means asked for together share one sweep.
    virtual std::vector<Halide::Expr> means(const std::string &name, const std::vector<Term> &terms) = 0;
    Halide::Expr mean(const std::string &name, const Term &term) { return means(name, {term})[0]; }

    // The mean of the squares, and mean and variance, that are added to `eps`; `held` is the type whose values x has.
    // An implementation that says so keeps them right for every finite row.
    virtual Halide::Expr mean_square(const std::string &name, const RowValue &x, norma_dtype held,
                                     const Halide::Expr &eps);
    virtual Moments moments(const std::string &name, const RowValue &x, norma_dtype held, const Halide::Expr &eps);

    // The largest magnitude of the row as fp32; NaN where there is one. And that of each group of `size` consecutive
    // elements, as a function of the group.
    virtual Halide::Expr amax(const std::string &name, const RowValue &value) = 0;
    virtual RowValue group_amax(const std::string &name, int size, const RowValue &value) = 0;

    // A number of each group of `size` elements, as a function of the group; computed once for it, where an
    // implementation can.
    virtual RowValue once_per_group(const std::string & /*name*/, int /*size*/, RowValue value) { return value; }

    // Both in one sweep, where an implementation can: the mean of the squares of x and the largest magnitude of
    // `value`.
    struct MeanSquareAndAmax {
        Halide::Expr mean_square, amax;
    };
    virtual MeanSquareAndAmax mean_square_and_amax(const std::string &name, const RowValue &x, norma_dtype held,
                                                   const Halide::Expr &eps, const RowValue &value) {
        return {mean_square(name, x, held, eps), amax(name + "_largest", value)};
    }

    // Of an element: `general` is right in any case, `plain` where the condition, of the row or the call, holds. An
    // implementation may write its loops twice, and choose one before it.
    virtual Halide::Expr either(const Halide::Expr & /*condition*/, const Halide::Expr & /*plain*/,
                                const Halide::Expr &general) {
        return general;
    }

    // Whether what is computed once per row is float64 where it says so, not fp32.
    virtual bool has_float64() const { return true; }

    // A float64 of a few numbers that are given for each row. An implementation without others finds this one in
    // float64 all the same, and rounds it to fp32.
    virtual Halide::Expr in_float64(const std::string & /*name*/, Halide::Expr value) { return value; }

    // Computed once per row, however often it is used; of the type of `value`.
    virtual Halide::Expr once(const std::string &name, Halide::Expr value) = 0;
    // The same of several, in one step where an implementation can; `stored`: such as are given to store_scalar alone.
    virtual std::vector<Halide::Expr> once_together(const std::string &name, std::vector<Halide::Expr> values,
                                                    const std::vector<Halide::Expr> &stored = {});
    // What several of those share. An implementation whose one step finds it again leaves it as it is.
    virtual Halide::Expr shared(const std::string &name, Halide::Expr value) { return once(name, std::move(value)); }

    // Outputs: a row of an activation, rounded once to its type; one fp32 number per group of it; and one per row,
    // of the type that it has.
    virtual void store(const std::string &role, norma_dtype type, RowValue value) = 0;
    virtual void store_groups(const std::string &role, int size, RowValue value) = 0;
    virtual void store_scalar(const std::string &role, Halide::Expr value) = 0;

    // For each column, the sum of `term` over the rows of this call, added in fp32 and in the order of the rows to
    // what the output holds. The rows of one call are one strip; what adds up the strips stands outside of the row.
    virtual void column_sum(const std::string &role, Term term) = 0;
};

}  // namespace norma
