// SPDX-License-Identifier: MIT
#include "compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace norma {

namespace {

// A number of an 8- or 16-bit format with these bits of exponent and mantissa.
double decode_small(uint32_t bits, int width, int exponent_bits, int mantissa_bits, bool has_infinity) {
    const int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
    const int exponent = static_cast<int>(bits >> mantissa_bits) & top;
    const int mantissa = static_cast<int>(bits) & ((1 << mantissa_bits) - 1);
    const double sign = (bits >> (width - 1)) & 1 ? -1 : 1;
    if (has_infinity && exponent == top) {
        return mantissa != 0 ? NAN : sign * HUGE_VAL;
    }
    if (!has_infinity && exponent == top && mantissa == (1 << mantissa_bits) - 1) {
        return NAN;
    }
    return sign * (exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                 : std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits));
}

template <typename T>
T load(const char *data, int64_t i) {
    T value;
    std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof value);
    return value;
}

double decode(DType type, const char *data, int64_t i) {
    switch (type) {
        case DType::f16: return decode_small(load<uint16_t>(data, i), 16, 5, 10, true);
        case DType::bf16: return decode_small(load<uint16_t>(data, i), 16, 8, 7, true);
        case DType::f8_e4m3: return decode_small(load<uint8_t>(data, i), 8, 4, 3, false);
        case DType::f8_e5m2: return decode_small(load<uint8_t>(data, i), 8, 5, 2, true);
        case DType::i8: return load<int8_t>(data, i);
        case DType::u8: return load<uint8_t>(data, i);
        default: return static_cast<double>(load<float>(data, i));
    }
}

// Between neighbours around `value`.
double step(DType type, double value) {
    switch (type) {
        case DType::f16: return std::max(std::fabs(value) * 0x1p-10, 0x1p-24);
        case DType::bf16: return std::fabs(value) * 0x1p-7;
        case DType::f8_e4m3: return std::max(std::fabs(value) * 0x1p-3, 0x1p-9);
        case DType::f8_e5m2: return std::max(std::fabs(value) * 0x1p-2, 0x1p-16);
        case DType::i8:
        case DType::u8: return 1;
        default: return 0;
    }
}

bool same(double got, double expected, double tolerance) {
    if (std::isnan(got) || std::isnan(expected)) {
        return std::isnan(got) && std::isnan(expected);
    }
    return got == expected || std::fabs(got - expected) <= tolerance;
}

}  // namespace

Outputs outputs_of(const Tensors &tensors) {
    Outputs outputs;
    for (const auto &[role, tensor] : tensors) {
        if (tensor.output && tensor.memory.data() != nullptr) {
            outputs.bytes[role].assign(static_cast<const char *>(tensor.memory.data()),
                                       static_cast<size_t>(tensor.bytes()));
        }
    }
    return outputs;
}

std::string mismatch(const Tensors &tensors, const Outputs &oracle, const Outputs &got, double factor) {
    for (const auto &[role, expected] : oracle.bytes) {
        const Tensor &tensor = tensors.at(role);
        const int64_t rows = tensors.at("x").extents[1];
        const double ulps = 8 + (tensor.column_sum ? std::sqrt(static_cast<double>(rows)) : 0);
        const int64_t row = tensor.extents[0];
        for (int64_t begin = 0; begin < tensor.elements(); begin += row) {
            double largest = 0;
            for (int64_t i = begin; i < begin + row; i++) {
                const double value = std::fabs(decode(tensor.type, expected.data(), i));
                largest = std::isfinite(value) ? std::max(largest, value) : largest;
            }
            largest = role == "mean" ? std::max(largest, 1.0) : largest;  // its terms cancel, and are of magnitude 1
            for (int64_t i = begin; i < begin + row; i++) {
                const double want = decode(tensor.type, expected.data(), i);
                const double have = decode(tensor.type, got.bytes.at(role).data(), i);
                const double tolerance = factor * (ulps * 0x1p-23 * largest + step(tensor.type, want));
                if (!same(have, want, tolerance)) {
                    return fmt::format("{} row {} element {} is {:.9g}; expected {:.9g} +- {:.2g}", role, begin / row,
                                       i - begin, have, want, tolerance);
                }
            }
        }
    }
    return "";
}

}  // namespace norma
