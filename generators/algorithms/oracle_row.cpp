// SPDX-License-Identifier: MIT
#include "oracle_row.h"

#include <algorithm>

#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"
#include "numeric.h"

namespace norma {

using namespace Halide;

namespace {

Expr term_in(const Type &type, const Term &term, const Expr &d) {
    Expr value = cast(type, term.a(d));
    return term.b ? value * cast(type, term.b(d)) : value;
}

}  // namespace

Pipeline OracleRow::lower() const {
    Pipeline pipeline(outputs_);
    pipeline.add_custom_lowering_pass(new FusedMultiplyAddPass(false));
    pipeline.add_custom_lowering_pass(new HalfConvertPass(false, false));
    return pipeline;
}

void OracleRow::estimate(int rows, int hidden) {
    for (ImageParam &image : rows_of_) {
        image.set_estimates({{0, hidden}, {0, rows}});
    }
    for (ImageParam &image : vectors_) {
        image.set_estimates({{0, hidden}});
    }
    for (ImageParam &image : per_row_) {
        image.set_estimates({{0, rows}});
    }
    for (Param<float> &scalar : scalars_) {
        scalar.set_estimate(1e-5f);
    }
    auto of_columns = [&](const Func &f) {
        return std::any_of(column_outputs_.begin(), column_outputs_.end(),
                           [&](const Func &column) { return column.name() == f.name(); });
    };
    for (Func &f : outputs_) {
        if (f.dimensions() == 2) {
            const bool groups = group_size_ != 0 && f.name() == "y_scale";
            f.set_estimates({{0, groups ? hidden / group_size_ : hidden}, {0, rows}});
        } else {
            f.set_estimates({{0, of_columns(f) ? hidden : rows}});
        }
    }
}

std::vector<Expr> OracleRow::means(const std::string &name, const std::vector<Term> &terms) {
    std::vector<Expr> totals;
    for (const Term &term : terms) {
        RDom k(0, extent_);
        Func total(name);
        total(r_) = cast(sum_, 0);
        total(r_) += term_in(sum_, term, k);
        reductions_.push_back(total);
        totals.push_back(cast<double>(total(r_)) / cast<double>(extent_));
    }
    return totals;
}

Expr OracleRow::amax(const std::string &name, const RowValue &value) {
    RDom k(0, extent_);
    Func most(name);
    most(r_) = cast<uint32_t>(0);
    most(r_) = max(most(r_), magnitude_bits(value(k)));
    reductions_.push_back(most);
    return reinterpret<float>(most(r_));
}

RowValue OracleRow::group_amax(const std::string &name, int size, const RowValue &value) {
    Var g("g");
    RDom k(0, size);
    Func most(name);
    most(g, r_) = cast<uint32_t>(0);
    most(g, r_) = max(most(g, r_), magnitude_bits(value(g * size + k)));
    reductions_.push_back(most);
    return [=, r = r_](Expr group) { return reinterpret<float>(most(group, r)); };
}

RowValue OracleRow::load(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 2, role);
    if (!extent_.defined()) {
        extent_ = image.dim(0).extent();
        rows_ = image.dim(1).extent();
    }
    inputs_.push_back(image);
    rows_of_.push_back(image);
    return [=, r = r_](Expr d) { return widen(image(d, r)); };
}

RowValue OracleRow::parameter(const std::string &role, norma_dtype type) {
    ImageParam image(halide_type(type), 1, role);
    inputs_.push_back(image);
    vectors_.push_back(image);
    return [=](Expr d) { return widen(image(d)); };
}

Expr OracleRow::per_row(const std::string &role, const Type &type) {
    ImageParam image(type, 1, role);
    inputs_.push_back(image);
    per_row_.push_back(image);
    return image(r_);
}

Expr OracleRow::scalar(const std::string &role) {
    Param<float> param(role);
    inputs_.push_back(param);
    scalars_.push_back(param);
    return param;
}

RowValue OracleRow::keep(const std::string &, norma_dtype type, RowValue value) {
    return [=](Expr d) { return round_to(type, value(d)); };
}

void OracleRow::store(const std::string &role, norma_dtype type, RowValue value) {
    Func f(role);
    f(d_, r_) = narrow(type, value(d_));
    outputs_.push_back(f);
}

void OracleRow::store_groups(const std::string &role, int size, RowValue value) {
    group_size_ = size;
    Func f(role);
    f(d_, r_) = value(d_);
    outputs_.push_back(f);
}

void OracleRow::store_scalar(const std::string &role, Expr value) {
    Func f(role);
    f(r_) = value;
    f.output_buffer().dim(0).set_stride(Expr());  // 0 where the runtime's caller does not want it
    outputs_.push_back(f);
}

void OracleRow::column_sum(const std::string &role, Term term) {
    RDom row(0, rows_);
    Func total(role + "_total"), f(role);
    total(d_) = cast(sum_, 0);
    total(d_) += substitute(r_.name(), row.x, term_in(sum_, term, d_));
    reductions_.push_back(total);
    f(d_) = cast<float>(total(d_));
    outputs_.push_back(f);
    column_outputs_.push_back(f);
}

}  // namespace norma
