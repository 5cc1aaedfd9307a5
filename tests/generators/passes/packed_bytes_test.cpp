// SPDX-License-Identifier: MIT
// Bytes that are packed together are those that a conversion of each element gives.
#include "generators/passes/packed_bytes.h"

#include <cstdint>
#include <vector>

#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using Halide::Expr;

constexpr int count = 1024;

// What a store has of a value; most of them of bytes that are not what the others of a number are.
struct Form {
    const char *name;
    Expr (*of)(const Expr &value);
};

Expr number(const Expr &value) { return Halide::reinterpret<int32_t>(value * 1.25F + 3.0F) * 40503; }

const Form forms[] = {
    {"a byte", [](const Expr &value) { return Halide::cast<uint8_t>(number(value) >> 7); }},
    {"a signed byte", [](const Expr &value) { return Halide::cast<int8_t>(number(value) >> 7); }},
    {"bits of two bytes",
     [](const Expr &value) {
         const Expr high = Halide::cast<uint8_t>(Halide::reinterpret<uint32_t>(number(value)) >> 24);
         return Halide::cast<uint8_t>(number(value)) | (high & Halide::cast<uint8_t>(0x85));
     }},
    {"a rounded integer",
     [](const Expr &value) {
         const Expr sum = norma::fused_multiply_add(value, 0.37F, norma::to_integer);
         return Halide::cast<int8_t>(Halide::reinterpret<int32_t>(sum)) & Halide::cast<int8_t>(0x7b);
     }},
};

std::vector<uint8_t> bytes(const Form &form, int lanes, bool from_bf16, bool packed) {
    std::vector<uint16_t> bf16(count);
    std::vector<float> f32(count);
    for (int i = 0; i < count; i++) {
        bf16[i] = (uint16_t)((i % 3 == 0 ? 0xc300 : 0x4300) + i * 37 % 0x80);  // 128 to 256, or minus that
        f32[i] = (float)(i * 7919 % count - 512) / 3;
    }
    Halide::Var i("i");
    Halide::Func f("f");
    const Halide::Buffer<> halves(Halide::BFloat(16), bf16.data(), count);
    const Halide::Buffer<float> floats(f32.data(), count);
    const Expr value = from_bf16 ? norma::half_to_float(Halide::Buffer<Halide::bfloat16_t>(halves)(i)) : floats(i);
    f(i) = Halide::reinterpret<uint8_t>(form.of(value));
    f.vectorize(i, lanes);
    Halide::Pipeline pipeline(f);
    if (packed) {
        pipeline.add_custom_lowering_pass(new norma::PackedBytesPass);
    }
    pipeline.add_custom_lowering_pass(new norma::FusedMultiplyAddPass(true));
    pipeline.add_custom_lowering_pass(new norma::HalfConvertPass(false, false));
    std::vector<uint8_t> result(count);
    norma::test::realize(pipeline, {Halide::Buffer<uint8_t>(result.data(), count)});
    return result;
}

}  // namespace

TEST_CASE("packed bytes are those of each element", "[passes]") {
    for (const Form &form : forms) {
        for (const bool from_bf16 : {false, true}) {
            for (const int lanes : {2, 4, 8, 16, 32, 64, 128}) {
                INFO(form.name << " of " << lanes << " lanes, " << (from_bf16 ? "from bf16" : "from f32"));
                CHECK(bytes(form, lanes, from_bf16, true) == bytes(form, lanes, from_bf16, false));
            }
        }
    }
}
