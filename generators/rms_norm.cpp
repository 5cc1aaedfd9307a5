// SPDX-License-Identifier: MIT
// y = x / sqrt(mean(x^2) + eps) * weight    Zhang, Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4
#include "affine.h"
#include "ops.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::sqrt;

void rms_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Expr eps = row.scalar("eps");

    Expr mean_square = row.mean("mean_square", [=](Expr d) { return x(d) * x(d); });
    Expr rstd = row.once("rstd", cast<float>(1.0f / sqrt(mean_square + cast<double>(eps))));

    store_affine(row, variant, [=](Expr d) { return x(d) * rstd; });
    row.store_scalar("rstd", rstd);
}

}  // namespace norma
