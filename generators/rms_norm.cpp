// SPDX-License-Identifier: MIT
// y = x / sqrt(mean(x^2) + eps) * weight    Zhang, Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4
#include "affine.h"
#include "ops.h"

namespace norma {

using Halide::Expr;

void rms_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Expr eps = row.scalar("eps");

    Expr mean_square = row.sum("squares", [=](Expr d) { return x(d) * x(d); }) / row.size();
    Expr rstd = row.once("rstd", 1.0f / Halide::sqrt(mean_square + eps));

    store_affine(row, variant, [=](Expr d) { return x(d) * rstd; });
    row.store_scalar("rstd", rstd);
}

}  // namespace norma
