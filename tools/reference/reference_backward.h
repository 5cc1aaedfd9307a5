// SPDX-License-Identifier: MIT
// The gradients of a norm in float64, one row at a time, derived from the formulas of the forward alone: with loss
// L = sum of dy * y, and y = n(x) * w + b, the chain rule through the sums that n's mean and rstd are.
#pragma once

#include "reference.h"

namespace norma::reference {

struct Backward {
    bool centred = false;  // layer_norm
    double weight_offset = 0;
    Values weight;                        // empty: none
    norma_dtype round_to_x = NORMA_NONE;  // the type of x with the contract hf
};

struct RowGradients {
    Values dx;
    Values dweight, dbias;  // this row's terms
    Values uncertain;       // how much a term of dweight may change where hf's rounding is near a tie
    double scale = 0;       // of what the last subtraction of dx joins
};

// dy * (weight + weight_offset) as the contract hf rounds it: in fp32, then to the type of x.
inline double scaled(const Backward &options, double dy, size_t i) {
    if (options.weight.empty()) {
        return dy;
    }
    const double exact = dy * (options.weight[i] + options.weight_offset);
    if (options.round_to_x == NORMA_NONE) {
        return exact;
    }
    const float factor = static_cast<float>(options.weight[i]) + static_cast<float>(options.weight_offset);
    return round_to(options.round_to_x, static_cast<double>(static_cast<float>(dy) * factor));
}

// Of a row with these statistics (mean is 0 for rms_norm). dn/dx: n depends on x_i directly, through the mean, and
// through rstd, whose derivative is -rstd^3 * (x_i - mean) / hidden.
inline RowGradients backward(const Values &x, const Values &dy, double mean, double rstd, const Backward &options) {
    const double hidden = static_cast<double>(x.size());
    RowGradients row;
    Values g(x.size());
    double through_mean = 0, through_rstd = 0, size_of_mean = 0, size_of_rstd = 0, largest_g = 0, largest_n = 0;
    for (size_t i = 0; i < x.size(); i++) {
        g[i] = scaled(options, dy[i], i);
        const double n = (x[i] - mean) * rstd;
        through_mean += g[i];
        through_rstd += g[i] * (x[i] - mean);
        size_of_mean += std::fabs(g[i]);
        size_of_rstd += std::fabs(g[i] * n);
        largest_g = std::max(largest_g, std::fabs(g[i]));
        largest_n = std::max(largest_n, std::fabs(n));
        const bool rounded = options.round_to_x != NORMA_NONE;
        row.dweight.push_back(dy[i] * (rounded ? round_to(options.round_to_x, n) : n));
        row.dbias.push_back(dy[i]);
        const double low = round_to(options.round_to_x, n * (1 - 0x1p-20)),
                     high = round_to(options.round_to_x, n * (1 + 0x1p-20));
        row.uncertain.push_back(rounded && low != high ? std::fabs(dy[i] * (high - low)) : 0);
    }
    for (size_t i = 0; i < x.size(); i++) {
        double dx = rstd * g[i] - rstd * rstd * rstd * (x[i] - mean) * through_rstd / hidden;
        if (options.centred) {
            dx -= rstd * through_mean / hidden;
        }
        row.dx.push_back(dx);
    }
    row.scale = rstd * (largest_g + (options.centred ? size_of_mean / hidden : 0) + largest_n * size_of_rstd / hidden);
    return row;
}

}  // namespace norma::reference
