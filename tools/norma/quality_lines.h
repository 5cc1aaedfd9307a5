// SPDX-License-Identifier: MIT
// How far a norm's y is from float64, by type and scale of y, and by the precision of its statistics.
#pragma once

#include <norma/norma.h>

#include <string>
#include <vector>

#include "layer.h"

namespace norma::tool {

struct QualityLine {
    std::string y, scale;
    std::string statistics;     // norma, or how else they were computed
    double snr, largest_error;  // of y * y_scale; snr in dB, infinite where there is no error
    std::string kernel;         // empty where all but the statistics is float64
};

// What the table has no line for.
struct LeftOut {
    std::string y, scale, why;
};

struct Quality {
    double largest;  // |y|
    std::vector<QualityLine> lines;
    std::vector<LeftOut> left_out;
};

// Throws InputError where float64's y is not finite.
Quality quality_of(const Layer &layer, norma_op op, double eps);

}  // namespace norma::tool
