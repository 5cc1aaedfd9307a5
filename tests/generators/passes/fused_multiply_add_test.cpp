// SPDX-License-Identifier: MIT
// A product and a sum that are rounded together, and the division made of them, against arithmetic in float64.
#include "generators/passes/fused_multiply_add.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using Halide::Buffer;
using Halide::Expr;

constexpr int count = 1 << 14;

std::vector<bool> ways() {
    return Halide::get_host_target().has_feature(Halide::Target::FMA) ? std::vector<bool>{false, true}
                                                                      : std::vector<bool>{false};
}

template <typename F>
Buffer<float> realize(const F &value, bool native) {
    Halide::Var i("i");
    Halide::Func f("f");
    f(i) = value(i);
    f.vectorize(i, 16);
    Buffer<float> result(count);
    Halide::Pipeline pipeline(f);
    pipeline.add_custom_lowering_pass(new norma::FusedMultiplyAddPass(native));
    norma::test::realize(pipeline, {result});
    return result;
}

}  // namespace

TEST_CASE("a fused multiply-add rounds once where the target has it, else twice", "[passes]") {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    Buffer<float> a(count), b(count), c(count);
    for (int i = 0; i < count; i++) {
        a(i) = normal(generator);
        b(i) = normal(generator);
        c(i) = i % 2 == 0 ? normal(generator) : -a(i) * b(i);  // what the product was rounded by
    }
    for (const bool native : ways()) {
        const Buffer<float> got =
            realize([&](const Expr &i) { return norma::fused_multiply_add(a(i), b(i), c(i)); }, native);
        int wrong = 0;
        for (int i = 0; i < count; i++) {
            const volatile float product = a(i) * b(i);
            wrong += got(i) != (native ? std::fma(a(i), b(i), c(i)) : product + c(i));
        }
        INFO("native " << native);
        CHECK(wrong == 0);
    }
}

TEST_CASE("a quotient is correctly rounded", "[passes]") {
    std::mt19937 generator(2);
    std::uniform_real_distribution<float> mantissa(1, 2);
    for (const bool native : ways()) {
        for (int round = 0; round < 24; round++) {
            const float divisor = round == 0   ? 1.0F
                                  : round == 1 ? 0x1.fffffep0F
                                  : round == 2
                                      ? 0.007F
                                      : std::ldexp(mantissa(generator), static_cast<int>(generator() % 128) - 64);
            Buffer<float> value(count);
            for (int i = 0; i < count; i++) {
                // Around half integers, where a wrong last bit would be seen; and of any magnitude in range.
                const float near = (static_cast<float>(generator() % 256) + 0.5F) * divisor;
                const int exponent = static_cast<int>(generator() % 80) - 60;
                value(i) = i % 4 == 0   ? std::ldexp(mantissa(generator), exponent) * divisor / 2
                           : i % 4 == 1 ? std::nextafter(near, 0.0F)
                           : i % 4 == 2 ? near
                                        : -std::nextafter(near, INFINITY);
            }
            value(0) = 0;
            value(1) = NAN;
            Halide::Param<float> by("by");
            by.set(divisor);
            const Buffer<float> got =
                realize([&](const Expr &i) { return norma::quotient(value(i), by, norma::inverse_of(by)); }, native);
            int wrong = 0;
            for (int i = 0; i < count; i++) {
                const float right = value(i) / divisor, magnitude = std::fabs(right);
                const bool same = got(i) == right || (std::isnan(got(i)) && std::isnan(right));
                const bool small = magnitude < 0x1p-30F && std::fabs(got(i)) < 0x1p-29F;
                wrong += !same && !small;
            }
            INFO("native " << native << ", divisor " << divisor);
            REQUIRE(wrong == 0);
        }
    }
}
