// SPDX-License-Identifier: MIT
#include "compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/reference/reference.h"

namespace norma {

namespace {

// Between neighbours around `value`; at most, for floats.
double step(norma_dtype type, double value) {
    const DtypeInfo &info = info_of(type);
    if (info.mantissa_bits == 0) {
        return 1;
    }
    return std::max(std::ldexp(std::fabs(value), -info.mantissa_bits),
                    std::ldexp(1.0, 1 - info.exponent_bias - info.mantissa_bits));
}

bool same(double got, double expected, double tolerance) {
    if (std::isnan(got) || std::isnan(expected)) {
        return std::isnan(got) && std::isnan(expected);
    }
    return got == expected || std::fabs(got - expected) <= tolerance;
}

// All NaNs become one: their sign and payload may differ between kinds of stores (docs/numerics.md).
void unify_nans(norma_dtype type, std::string &bytes) {
    const size_t size = static_cast<size_t>(dtype_size(type));
    const reference::Values values = reference::load(type, bytes.data(), static_cast<int64_t>(bytes.size() / size));
    for (size_t i = 0; i < values.size(); i++) {
        if (std::isnan(values[i])) {
            std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * size), size, '\xff');
        }
    }
}

}  // namespace

Outputs outputs_of(const Tensors &tensors) {
    Outputs outputs;
    for (const auto &[role, tensor] : tensors) {
        if (tensor.output && tensor.memory.data() != nullptr) {
            outputs.bytes[role].assign(static_cast<const char *>(tensor.memory.data()),
                                       static_cast<size_t>(tensor.bytes()));
            unify_nans(tensor.type, outputs.bytes[role]);
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
        const reference::Values wanted = reference::load(tensor.type, expected.data(), tensor.elements()),
                                had = reference::load(tensor.type, got.bytes.at(role).data(), tensor.elements());
        for (int64_t begin = 0; begin < tensor.elements(); begin += row) {
            double largest = 0;
            for (int64_t i = begin; i < begin + row; i++) {
                const double value = std::fabs(wanted[static_cast<size_t>(i)]);
                largest = std::isfinite(value) ? std::max(largest, value) : largest;
            }
            largest = role == "mean" ? std::max(largest, 1.0) : largest;  // its terms cancel, and are of magnitude 1
            for (int64_t i = begin; i < begin + row; i++) {
                const double want = wanted[static_cast<size_t>(i)], have = had[static_cast<size_t>(i)];
                const double tolerance =
                    factor * (ulps * 0x1p-23 * largest + (tensor.type == NORMA_F32 ? 0 : step(tensor.type, want)));
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
