// SPDX-License-Identifier: MIT
// y = (x - mean) / sqrt(var + eps) * weight + bias    Ba, Kiros, Hinton 2016, "Layer Normalization", eq. 4
#include "affine.h"
#include "ops.h"

namespace norma {

using Halide::Expr;

void layer_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Expr eps = row.scalar("eps");

    // Two passes, never E[x^2] - mean^2. The fp32 mean of a row like 40000 +- 1 is off by its rounding, so the second pass
    // also finds by how much: the mean of the centred row (Chan, Golub, LeVeque 1983, "corrected two-pass algorithm").
    Expr rounded_mean = row.once("rounded_mean", row.sum("total", x) / row.size());
    RowValue centred = [=](Expr d) { return x(d) - rounded_mean; };
    std::vector<Expr> moments = row.sums("moments", {centred, [=](Expr d) { return centred(d) * centred(d); }});
    Expr correction = row.once("correction", moments[0] / row.size());
    Expr variance = row.once("variance", moments[1] / row.size() - correction * correction);
    // Rounding can leave a constant row slightly below zero; written so that NaN passes.
    Expr rstd = row.once("rstd", 1.0f / Halide::sqrt(Halide::select(variance < 0, 0.0f, variance) + eps));

    store_affine(row, variant, [=](Expr d) { return (centred(d) - correction) * rstd; });
    // A row with an infinity has that mean, though no correction.
    row.store_scalar("mean", Halide::select(correction == correction, rounded_mean + correction, rounded_mean));
    row.store_scalar("rstd", rstd);
}

}  // namespace norma
