// SPDX-License-Identifier: MIT
// Conversions of f16 and bf16 against arithmetic in float64, by the integer way and by the target's instructions.
#include "generators/passes/half_convert.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "generators/passes/half_pairs.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using namespace norma;
using Halide::BFloat;
using Halide::Float;
using Halide::Type;

// What the formats are.
struct Format {
    Type type;
    int mantissa, least_exponent, bias;
    double overflow;  // from here on it is infinite

    double value(uint16_t bits) const {
        const int exponent = (bits & 0x7fff) >> mantissa, fraction = bits & ((1 << mantissa) - 1);
        const int top = 0x7fff >> mantissa;
        const double magnitude = exponent == top ? (fraction != 0 ? NAN : INFINITY)
                                 : exponent == 0 ? std::ldexp(fraction, least_exponent - mantissa)
                                                 : std::ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
        return (bits & 0x8000) != 0 ? -magnitude : magnitude;
    }
    bool is_nan(uint16_t bits) const { return std::isnan(value(bits)); }

    // Nearest even: nearbyint in the unit of the result's last place.
    double nearest(double value) const {
        if (value == 0 || std::isinf(value)) {
            return value;
        }
        const int unit = std::max(std::ilogb(value), least_exponent) - mantissa;
        const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
        return std::fabs(rounded) >= overflow ? std::copysign(INFINITY, value) : rounded;
    }
};

const Format f16 = {Float(16), 10, -14, 15, 65536};
const Format bf16 = {BFloat(16), 7, -126, 127, 0x1p128};

uint32_t bits_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

float float_of(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

struct Ways {
    bool native_f16, native_bf16;
    int lanes;
};

// The integer way one by one and in vectors, and what instructions this machine has.
std::vector<Ways> ways() {
    std::vector<Ways> list = {{false, false, 1}, {false, false, 16}};
    const Halide::Target host = Halide::get_host_target();
    if (host.has_feature(Halide::Target::F16C)) {
        list.push_back({true, false, 16});
    }
    if (host.has_feature(Halide::Target::AVX512_Zen4)) {
        list.push_back({false, true, 32});
    }
    return list;
}

Halide::Pipeline element_by_element(Halide::Func f, const Halide::Var &i, const Ways &way) {
    if (way.lanes > 1) {
        f.vectorize(i, way.lanes);
    }
    Halide::Pipeline pipeline(f);
    pipeline.add_custom_lowering_pass(new HalfConvertPass(way.native_f16, way.native_bf16));
    return pipeline;
}

std::vector<float> widened(const Type &type, std::vector<uint16_t> halves, const Ways &way) {
    Halide::ImageParam x(type, 1);
    Halide::Var i;
    Halide::Func f;
    f(i) = half_to_float(x(i));
    Halide::Pipeline pipeline = element_by_element(f, i, way);
    const std::vector<int> size = {(int)halves.size()};
    std::vector<float> result(halves.size());
    x.set(Halide::Buffer<>(type, halves.data(), size));
    norma::test::realize(pipeline, {Halide::Buffer<float>(result.data(), size)});
    return result;
}

std::vector<uint16_t> narrowed(const Type &type, std::vector<float> values, const Ways &way) {
    Halide::ImageParam x(Float(32), 1);
    Halide::Var i;
    Halide::Func f;
    f(i) = float_to_half(type, x(i));
    Halide::Pipeline pipeline = element_by_element(f, i, way);
    const std::vector<int> size = {(int)values.size()};
    std::vector<uint16_t> result(values.size());
    x.set(Halide::Buffer<>(Float(32), values.data(), size));
    norma::test::realize(pipeline, {Halide::Buffer<>(type, result.data(), size)});
    return result;
}

// All values of the format, the points half way to the next and what is beside them, quiet NaNs (arithmetic gives no
// others), and at random.
std::vector<float> tricky(const Format &format) {
    std::vector<float> values;
    for (uint32_t sign : {0u, 0x8000u}) {
        for (uint32_t bits = 0; bits < 0x7fff; bits++) {
            const double value = format.value((uint16_t)(sign | bits)),
                         next = format.value((uint16_t)(sign | (bits + 1)));
            const double end = std::isinf(next) ? std::copysign(format.overflow, value) : next;
            if (!std::isfinite(value)) {
                continue;
            }
            const float middle = (float)((value + end) / 2);
            values.insert(values.end(),
                          {(float)value, middle, std::nextafter(middle, -INFINITY), std::nextafter(middle, INFINITY)});
        }
    }
    for (uint32_t bits : {0x7f800000u, 0x7fc00001u, 0x7fc00000u, 0x7fffffffu, 0x7f7fffffu, 0x00000001u, 0x007fffffu}) {
        values.insert(values.end(), {float_of(bits), float_of(bits | 0x80000000u)});
    }
    std::mt19937 random(1);
    while (values.size() % 64 != 0 || values.size() < 400000) {
        const float value = float_of((uint32_t)random());
        if (!std::isnan(value)) {
            values.push_back(value);
        }
    }
    return values;
}

void check_narrowing(const Format &format, const std::vector<float> &values, const Ways &way) {
    const std::vector<uint16_t> halves = narrowed(format.type, values, way);
    int wrong = 0;
    for (size_t i = 0; i < values.size() && wrong < 5; i++) {
        const double expected = format.nearest(values[i]), got = format.value(halves[i]);
        const bool right = std::isnan(values[i]) ? format.is_nan(halves[i])
                                                 : got == expected && (halves[i] >> 15) == (bits_of(values[i]) >> 31);
        if (!right) {
            wrong++;
            INFO(std::hexfloat << values[i] << " became " << got << " instead of " << expected);
            CHECK(right);
        }
    }
}

}  // namespace

TEST_CASE("every value of f16 and bf16 widens to itself") {
    std::vector<uint16_t> all(65536);
    for (size_t bits = 0; bits < all.size(); bits++) {
        all[bits] = (uint16_t)bits;
    }
    for (const Format &format : {f16, bf16}) {
        for (const Ways &way : ways()) {
            INFO(format.type << (way.native_f16 ? " natively" : "") << " in " << way.lanes << " lanes");
            const std::vector<float> floats = widened(format.type, all, way);
            int wrong = 0;
            for (size_t bits = 0; bits < all.size(); bits++) {
                const float expected = (float)format.value((uint16_t)bits);
                wrong += std::isnan(expected) ? !std::isnan(floats[bits]) : bits_of(floats[bits]) != bits_of(expected);
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("fp32 rounds to the nearest even f16 and bf16, NaN stays NaN, denormals stay") {
    for (const Format &format : {f16, bf16}) {
        const std::vector<float> values = tricky(format);
        for (const Ways &way : ways()) {
            INFO(format.type << (way.native_f16 || way.native_bf16 ? " natively" : "") << " in " << way.lanes
                             << " lanes");
            check_narrowing(format, values, way);
        }
    }
}

TEST_CASE("a value that was widened from the type is narrowed to it by doing nothing") {
    const Halide::Expr half = Halide::Internal::Variable::make(BFloat(16), "half");
    CHECK(float_to_half(BFloat(16), half_to_float(half)).same_as(half));
    CHECK_FALSE(float_to_half(Float(16), half_to_float(half)).same_as(half));
}

TEST_CASE("bf16 two by two has the bits of one by one") {
    std::vector<uint16_t> all(65536);
    std::iota(all.begin(), all.end(), 0);
    const std::vector<int> size = {(int)all.size()};
    Halide::ImageParam x(BFloat(16), 1);
    Halide::Param<float> factor;
    x.set(Halide::Buffer<>(BFloat(16), all.data(), size));
    for (const Ways &way : ways()) {
        for (const float f : {1.0F, -0.3F, 0x1p-9F, 0x1p-126F, 3e38F}) {
            INFO("times " << f << (way.native_bf16 ? " natively" : "") << " in " << way.lanes << " lanes");
            const auto multiplied = [&](const Ways &by) {
                Halide::Var i;
                Halide::Func y;
                y(i) = float_to_half(BFloat(16), half_to_float(x(i)) * factor);
                std::vector<uint16_t> result(all.size());
                factor.set(f);
                Halide::Pipeline pipeline = element_by_element(y, i, by);
                norma::test::realize(pipeline, {Halide::Buffer<>(BFloat(16), result.data(), size)});
                return result;
            };
            const std::vector<uint16_t> got = multiplied(way), expected = multiplied({false, false, 1});
            int wrong = 0;
            for (size_t i = 0; i < got.size(); i++) {
                wrong += got[i] != expected[i] && !(bf16.is_nan(got[i]) && bf16.is_nan(expected[i]));
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("bf16 is split two by two where all of it lies side by side") {
    const auto load = [](const Halide::Expr &stride) {
        const Halide::Expr index = Halide::Internal::Ramp::make(0, stride, 32), all = Halide::Internal::const_true(32);
        return half_to_float(Halide::Internal::Load::make(BFloat(16, 32), "x", index, {}, {}, all, {}));
    };
    const Halide::Expr f = Halide::Internal::Variable::make(Float(32, 32), "f"),
                       two = Halide::Internal::make_const(Float(32, 32), 2);
    CHECK(split_pairs(load(1) * two));
    CHECK(split_pairs(load(1) * two)->odd.type() == Float(32, 16));
    CHECK_FALSE(split_pairs(load(2) * two));
    CHECK_FALSE(split_pairs(load(1) * f));
}

TEST_CASE("whole vectors of bf16 are stored by the target's instruction, shorter ones and f16 are not") {
    const Halide::Target target("x86-64-linux-avx512_zen4-no_runtime");
    auto uses_it = [&](const Type &type, int lanes) {
        Halide::ImageParam x(Float(32), 1);
        Halide::Var i;
        Halide::Func f;
        f(i) = float_to_half(type, x(i));
        Halide::Pipeline pipeline = element_by_element(f, i, {false, true, lanes});
        std::ostringstream text;
        text << pipeline.compile_to_module({x}, "convert", target).functions().front().body;
        return text.str().find("vcvtne2ps2bf16") != std::string::npos;
    };
    CHECK(uses_it(BFloat(16), 32));
    CHECK(uses_it(BFloat(16), 64));
    CHECK_FALSE(uses_it(BFloat(16), 16));
    CHECK_FALSE(uses_it(Float(16), 32));
}
