// SPDX-License-Identifier: MIT
// Bytes that are packed by shifts and one permutation are those that a conversion of each element gives.
#include "generators/passes/packed_bytes.h"

#include <cstdint>
#include <vector>

#include "generators/passes/half_convert.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using Halide::Expr;

constexpr int count = 1024;

// The low byte of each element times an odd number, which is not what the other bytes hold.
template <typename T>
std::vector<T> bytes(int lanes, bool from_bf16, bool packed) {
    std::vector<uint16_t> bf16(count);
    std::vector<float> f32(count);
    for (int i = 0; i < count; i++) {
        bf16[i] = (uint16_t)(0x3f80 + i * 37 % 0x80);
        f32[i] = (float)(i * 7919 % count) / 3;
    }
    Halide::Var i("i");
    Halide::Func f("f");
    const Halide::Buffer<> halves(Halide::BFloat(16), bf16.data(), count);
    const Halide::Buffer<float> floats(f32.data(), count);
    const Expr value = from_bf16 ? norma::half_to_float(Halide::Buffer<Halide::bfloat16_t>(halves)(i)) : floats(i);
    f(i) = Halide::cast<T>(Halide::reinterpret<int32_t>(value * 1.25F + 3.0F) * 40503 >> 7);
    f.vectorize(i, lanes);
    Halide::Pipeline pipeline(f);
    if (packed) {
        pipeline.add_custom_lowering_pass(new norma::PackedBytesPass);
    }
    pipeline.add_custom_lowering_pass(new norma::HalfConvertPass(false, false));
    std::vector<T> result(count);
    norma::test::realize(pipeline, {Halide::Buffer<T>(result.data(), count)});
    return result;
}

template <typename T>
void check(bool from_bf16) {
    for (const int lanes : {2, 4, 8, 16, 32, 64, 128}) {
        INFO(lanes << " lanes, " << (from_bf16 ? "from bf16" : "from f32"));
        CHECK(bytes<T>(lanes, from_bf16, true) == bytes<T>(lanes, from_bf16, false));
    }
}

}  // namespace

TEST_CASE("packed bytes are those of each element", "[passes]") {
    for (const bool from_bf16 : {false, true}) {
        check<int8_t>(from_bf16);
        check<uint8_t>(from_bf16);
    }
}
