// SPDX-License-Identifier: MIT
#include "rows.h"

#include <random>

namespace norma::test {
namespace {

constexpr size_t sample_count = size_t{1} << 18;

std::vector<float> make_samples() {
    std::mt19937 generator(20240229);
    std::normal_distribution<float> distribution;
    std::vector<float> samples(sample_count);
    for (float &sample : samples) {
        sample = distribution(generator);
    }
    return samples;
}

// Steps of this size are numbers of the type around `value`.
double step(norma_dtype dtype, double value) { return std::max(1.0, reference::ulp(dtype, value)); }

double value(RowKind kind, norma_dtype dtype, double sample, int64_t d, bool special) {
    const bool narrow = dtype == NORMA_F16;
    switch (kind) {
        case RowKind::shifted: return 100 + 0.01 * sample;
        case RowKind::far: return 40000 + step(dtype, 40000) * std::round(sample);
        case RowKind::near_limit: return 60000 + step(dtype, 60000) * std::round(sample);
        case RowKind::spread: return sample * (narrow ? 6000 : 1e15);
        case RowKind::small: return sample * (narrow ? 1e-4 : 1e-12);
        case RowKind::huge: return sample * (narrow ? 12000 : 4e37);
        case RowKind::tiny: return sample * (narrow ? 1e-5 : 1e-25);
        case RowKind::lowest: return narrow ? -65504 : dtype == NORMA_BF16 ? -0x1.fep127 : -0x1.fffffep127;
        case RowKind::opposite: return (d % 2 ? -1 : 1) * (narrow ? 65504 : 0x1.fep127);
        case RowKind::denormal: return sample * (narrow ? 1e-6 : 1e-40);
        case RowKind::constant: return 3.25;
        case RowKind::tenth: return 0.1;
        case RowKind::zero: return 0;
        case RowKind::alternating: return d % 2 ? -3 : 3;
        case RowKind::spike: return special ? 1e4 : 1e-3 * sample;
        case RowKind::nan: return special ? NAN : sample;
        case RowKind::infinity: return special ? std::copysign(INFINITY, sample) : sample;
        default: return sample;
    }
}

}  // namespace

const char *name(RowKind kind) {
    static constexpr const char *names[] = {"normal", "shifted", "far",         "near_limit", "spread",   "small",
                                            "huge",   "tiny",    "lowest",      "opposite",   "denormal", "constant",
                                            "tenth",  "zero",    "alternating", "spike",      "nan",      "infinity"};
    static_assert(sizeof(names) / sizeof(*names) == static_cast<size_t>(RowKind::count));
    return names[static_cast<size_t>(kind)];
}

bool is_near_limit(RowKind kind) {
    return kind == RowKind::far || kind == RowKind::near_limit || kind == RowKind::huge || kind == RowKind::lowest ||
           kind == RowKind::opposite;
}

double ulps_allowed(RowKind kind, norma_op op) {
    const bool is_layer_norm = op == NORMA_LAYER_NORM_FORWARD || op == NORMA_LAYER_NORM_BACKWARD;
    const bool is_far = kind == RowKind::shifted || kind == RowKind::far || kind == RowKind::near_limit;
    // Of two values: what is rounded goes the same way in all elements.
    const bool alike = kind == RowKind::spike || kind == RowKind::opposite || kind == RowKind::alternating;
    return is_layer_norm && is_far ? 4 : alike ? 8 : 3;
}

bool allows_zero_eps(RowKind kind, norma_dtype dtype) {
    return kind != RowKind::tenth && (kind != RowKind::denormal || dtype == NORMA_F16);
}

double normal_sample(uint64_t index) {
    static const std::vector<float> samples = make_samples();
    return static_cast<double>(samples[index % sample_count]);
}

uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t h = (a + 1) * 0x9e3779b97f4a7c15u ^ (b + 1) * 0xc2b2ae3d27d4eb4fu;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    return h ^ h >> 32;
}

reference::Values row_values(RowKind kind, norma_dtype dtype, int64_t hidden, int64_t row, int stream) {
    reference::Values values(static_cast<size_t>(hidden));
    if (row == poison_row) {
        for (size_t d = 0; d < values.size(); d++) {
            values[d] = d % 3 == 1 ? INFINITY : NAN;
        }
        return values;
    }
    const uint64_t start = mix(static_cast<uint64_t>(row), static_cast<uint64_t>(stream));
    const bool one_special_each = kind == RowKind::spike;
    const bool has_special = one_special_each || row % 3 == 1;
    const int64_t special = has_special ? static_cast<int64_t>(start % static_cast<uint64_t>(hidden)) : -1;
    for (int64_t d = 0; d < hidden; d++) {
        values[static_cast<size_t>(d)] =
            value(kind, dtype, normal_sample(start + static_cast<uint64_t>(d)), d, d == special);
    }
    return values;
}

}  // namespace norma::test
