// SPDX-License-Identifier: MIT
// y = (x - mean) / sqrt(var + eps) * weight + bias    Ba, Kiros, Hinton 2016, "Layer Normalization", eq. 4
#include "affine.h"
#include "ops.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::select;
using Halide::sqrt;

void layer_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Expr eps = row.scalar("eps");

    // Two passes, never E[x^2] - mean^2. The fp32 mean of a row like 40000 +- 1 is off by its rounding, so the second
    // pass also finds by how much: the mean of the centred row (Chan, Golub, LeVeque 1983, "corrected two-pass
    // algorithm").
    Expr plain_mean = row.once("plain_mean", row.mean("x_mean", x));
    Expr rounded_mean = row.once("rounded_mean", cast<float>(plain_mean));
    RowValue centred = [=](Expr d) { return x(d) - rounded_mean; };
    std::vector<Expr> moments = row.means("moments", {centred, [=](Expr d) { return centred(d) * centred(d); }});
    Expr correction = row.once("correction", cast<float>(moments[0]));
    Expr variance = row.once("variance", moments[1] - moments[0] * moments[0]);
    // Rounding can leave a constant row slightly below zero; written so that NaN passes.
    Expr positive = select(variance < 0, cast<double>(0), variance);
    Expr rstd = row.once("rstd", cast<float>(1.0f / sqrt(positive + cast<double>(eps))));

    store_affine(row, variant, [=](Expr d) { return (centred(d) - correction) * rstd; });
    // Within a standard deviation of zero, centring rounds more than it corrects. An infinite mean stays what it is.
    Expr far = cast<double>(rounded_mean) * cast<double>(rounded_mean) > variance;
    row.store_scalar("mean", cast<float>(select(far, cast<double>(rounded_mean) + moments[0], plain_mean)));
    row.store_scalar("rstd", rstd);
}

}  // namespace norma
