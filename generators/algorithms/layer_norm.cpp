// SPDX-License-Identifier: MIT
// y = (x - mean) / sqrt(var + eps) * weight + bias    Ba, Kiros, Hinton 2016, "Layer Normalization", eq. 4
#include "affine.h"
#include "algorithm.h"
#include "gradient.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::select;
using Halide::sqrt;

namespace {

struct Normalized {
    RowValue row;
    Expr mean, rstd;
};

Normalized compute_normalized(Row &row, const RowValue &x) {
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
    // Within a standard deviation of zero, centring rounds more than it corrects. An infinite mean stays what it is.
    Expr far = cast<double>(rounded_mean) * cast<double>(rounded_mean) > variance;
    Expr mean = cast<float>(select(far, cast<double>(rounded_mean) + moments[0], plain_mean));
    return {[=](Expr d) { return (centred(d) - correction) * rstd; }, mean, rstd};
}

Normalized load_normalized(Row &row, const RowValue &x) {
    Expr mean = row.per_row("mean"), rstd = row.per_row("rstd");
    return {[=](Expr d) { return (x(d) - mean) * rstd; }, mean, rstd};
}

}  // namespace

static void layer_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    Normalized normalized = compute_normalized(row, x);
    store_affine(row, variant, normalized.row);
    row.store_scalar("mean", normalized.mean);
    row.store_scalar("rstd", normalized.rstd);
}

// With n the normalized row and g = dy * weight:  dx = (g - mean(g) - n * mean(g * n)) * rstd
static void layer_norm_backward(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x), dy = row.load("dy", variant.y);
    const bool recompute = variant.statistics == Statistics::recomputed;
    Normalized normalized = recompute ? compute_normalized(row, x) : load_normalized(row, x);
    RowValue n = normalized.row, g = gradient_of_normalized(row, variant, dy);
    std::vector<Expr> means = row.means("gradient_means", {g, [=](Expr d) { return g(d) * n(d); }});
    Expr mean_g = row.once("mean_g", cast<float>(means[0])), mean_gn = row.once("mean_gn", cast<float>(means[1]));
    store_dx(row, variant, [=](Expr d) { return ((g(d) - mean_g) - n(d) * mean_gn) * normalized.rstd; });
    store_parameter_gradients(row, variant, dy, n);
}

namespace {

const RegisterAlgorithm forward(NORMA_LAYER_NORM_FORWARD, layer_norm_forward),
    backward(NORMA_LAYER_NORM_BACKWARD, layer_norm_backward);

}  // namespace

}  // namespace norma
