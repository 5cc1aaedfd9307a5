// SPDX-License-Identifier: MIT
// y = x / sqrt(mean(x^2) + eps) * weight    Zhang, Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4
#include "affine.h"
#include "gradient.h"
#include "ops.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::sqrt;

namespace {

Expr compute_rstd(Row &row, const RowValue &x) {
    Expr eps = row.scalar("eps");
    Expr mean_square = row.mean("mean_square", [=](Expr d) { return x(d) * x(d); });
    return row.once("rstd", cast<float>(1.0f / sqrt(mean_square + cast<double>(eps))));
}

}  // namespace

void rms_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Expr rstd = compute_rstd(row, x);
    store_affine(row, variant, [=](Expr d) { return x(d) * rstd; });
    row.store_scalar("rstd", rstd);
}

// With n the normalized row and g = dy * weight:  dx = (g - n * mean(g * n)) * rstd
void rms_norm_backward(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x), dy = row.load("dy", variant.y);
    Expr rstd = variant.statistics == Statistics::recomputed ? compute_rstd(row, x) : row.per_row("rstd");
    RowValue n = [=](Expr d) { return x(d) * rstd; };
    RowValue g = gradient_of_normalized(row, variant, dy);
    Expr mean_gn = row.once("mean_gn", cast<float>(row.mean("gn", [=](Expr d) { return g(d) * n(d); })));
    store_dx(row, variant, [=](Expr d) { return (g(d) - n(d) * mean_gn) * rstd; });
    store_parameter_gradients(row, variant, dy, n);
}

}  // namespace norma
