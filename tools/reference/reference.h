// SPDX-License-Identifier: MIT
// What the kernels should compute, one row at a time: plain loops in float64, written from the formulas in norma.h
// alone.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "norma/norma.h"

namespace norma::reference {

using Values = std::vector<double>;

// A storage type as a binary floating-point format.
struct Format {
    double epsilon;  // spacing just above 1
    double quantum;  // smallest subnormal
    double largest;
};

inline Format format(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_F8_E4M3: return {0x1p-3, 0x1p-9, 448};
        case NORMA_F8_E5M2: return {0x1p-2, 0x1p-16, 57344};
        case NORMA_I8: return {0, 1, 127};  // evenly spaced
        case NORMA_U8: return {0, 1, 255};
        case NORMA_F16: return {0x1p-10, 0x1p-24, 65504.0};
        case NORMA_BF16: return {0x1p-7, 0x1p-133, 0x1.fep127};
        default: return {0x1p-23, 0x1p-149, 0x1.fffffep127};
    }
}

// The spacing of the type's numbers at this magnitude.
inline double ulp(norma_dtype dtype, double magnitude) {
    const Format f = format(dtype);
    uint64_t bits;
    std::memcpy(&bits, &magnitude, sizeof bits);
    bits &= 0x7ff0000000000000u;  // the largest power of two that is not larger
    double power;
    std::memcpy(&power, &bits, sizeof bits);
    return std::max(power * f.epsilon, f.quantum);
}

// Rounds once, to the nearest number of the type, ties to even, beyond the largest to infinity. (Eigen's conversions
// from double would round twice.)
inline double round_to(norma_dtype dtype, double value) {
    if (!std::isfinite(value)) {
        return value;
    }
    const double shift = 0x1.8p52 * ulp(dtype, value);  // adding it leaves no bits below one ulp
    const double rounded = (value + shift) - shift;
    const bool overflows = std::fabs(rounded) > format(dtype).largest;
    return overflows ? std::copysign(INFINITY, value) : rounded;
}

template <typename T>
void widen(const void *data, Values &values) {
    const T *elements = static_cast<const T *>(data);
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = static_cast<double>(static_cast<float>(elements[i]));
    }
}

inline double f8_value(norma_dtype dtype, uint8_t bits) {
    const int mantissa_bits = dtype == NORMA_F8_E4M3 ? 3 : 2, bias = dtype == NORMA_F8_E4M3 ? 7 : 15;
    const int exponent = (bits & 0x7f) >> mantissa_bits, mantissa = bits & ((1 << mantissa_bits) - 1);
    const bool special = dtype == NORMA_F8_E4M3 ? (bits & 0x7f) == 0x7f : exponent == 31;
    const double magnitude = special ? (dtype == NORMA_F8_E5M2 && mantissa == 0 ? INFINITY : NAN)
                             : exponent == 0
                                 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                 : std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
    return bits & 0x80 ? -magnitude : magnitude;
}

inline void widen_f8(norma_dtype dtype, const void *data, Values &values) {
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = f8_value(dtype, static_cast<const uint8_t *>(data)[i]);
    }
}

// Elements of a type in memory: exactly, but for NORMA_I32, which is rounded to fp32.
inline Values load(norma_dtype dtype, const void *data, int64_t count) {
    Values values(static_cast<size_t>(count));
    switch (dtype) {
        case NORMA_F16: widen<Eigen::half>(data, values); break;
        case NORMA_BF16: widen<Eigen::bfloat16>(data, values); break;
        case NORMA_I8: widen<int8_t>(data, values); break;
        case NORMA_U8: widen<uint8_t>(data, values); break;
        case NORMA_I32: widen<int32_t>(data, values); break;
        case NORMA_F8_E4M3:
        case NORMA_F8_E5M2: widen_f8(dtype, data, values); break;
        case NORMA_F64: std::memcpy(values.data(), data, values.size() * sizeof values[0]); break;
        default: widen<float>(data, values); break;
    }
    return values;
}

// The options of a norm. Weight and bias are empty where the norm has none.
struct Options {
    double eps = 1e-5;
    double weight_offset = 0;
    Values weight, bias;
    norma_dtype round_normalized_to = NORMA_NONE;  // the type of x with the contract hf
};

struct Row {
    Values normalized;  // before the rounding of hf, weight and bias
    Values y;
    double mean = 0;
    double rstd = 0;
};

// round(x + residual): residual_out, and what is then normalized.
inline Values add_residual(norma_dtype dtype, const Values &x, const Values &residual) {
    Values sum(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        sum[i] = round_to(dtype, x[i] + residual[i]);
    }
    return sum;
}

inline double affine(const Options &options, size_t i, double normalized) {
    const double scaled =
        options.weight.empty() ? normalized : normalized * (options.weight[i] + options.weight_offset);
    return options.bias.empty() ? scaled : scaled + options.bias[i];
}

inline Row normalize(const Values &x, double mean, const Options &options) {
    Row row;
    row.mean = mean;
    double squares = 0;
    for (double value : x) {
        squares += (value - mean) * (value - mean);
    }
    row.rstd = 1 / std::sqrt(squares / static_cast<double>(x.size()) + options.eps);
    for (size_t i = 0; i < x.size(); i++) {
        double normalized = (x[i] - mean) * row.rstd;
        row.normalized.push_back(normalized);
        if (options.round_normalized_to != NORMA_NONE) {
            normalized = round_to(options.round_normalized_to, normalized);
        }
        row.y.push_back(affine(options, i, normalized));
    }
    return row;
}

inline Row layer_norm(const Values &x, const Options &options) {
    double sum = 0;
    for (double value : x) {
        sum += value;
    }
    return normalize(x, sum / static_cast<double>(x.size()), options);
}

inline Row rms_norm(const Values &x, const Options &options) { return normalize(x, 0, options); }

}  // namespace norma::reference
