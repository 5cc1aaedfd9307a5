// SPDX-License-Identifier: MIT
// The passes for CUDA that need no whole kernel, each on what it rewrites.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <vector>

#include "generators/algorithms/numeric.h"
#include "generators/passes/cuda/bfloat_pair.h"
#include "generators/passes/cuda/every_lane.h"
#include "generators/passes/cuda/nan_byte.h"
#include "generators/passes/cuda/register_element.h"
#include "generators/passes/cuda/single_precision.h"
#include "generators/passes/half_convert.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

int pairs_rounded = 0;

uint32_t bits_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// By magnitude in integers: what is cut off, and half of it for a tie.
uint32_t nearest_bf16(float value) {
    const uint32_t bits = bits_of(value), cut = bits & 0xffff, kept = bits >> 16;
    return kept + (cut > 0x8000 || (cut == 0x8000 && kept % 2 == 1));
}

}  // namespace

// The instruction that GPUs have.
extern "C" uint32_t norma_bfloat_pair(float low, float high) {
    pairs_rounded++;
    return nearest_bf16(low) | nearest_bf16(high) << 16;
}

namespace {

using namespace norma;
using namespace Halide;
using namespace Halide::Internal;

class HasDoubles : public IRVisitor {
public:
    bool found = false;

private:
    using IRVisitor::visit;
    void visit(const Cast *op) override { look(op); }
    void visit(const Call *op) override { look(op); }
    void visit(const FloatImm *op) override { found |= op->type == Float(64); }
    template <typename Op>
    void look(const Op *op) {
        found |= op->type == Float(64);
        IRVisitor::visit(op);
    }
};

bool has_doubles(const Expr &value) {
    HasDoubles visitor;
    value.accept(&visitor);
    return visitor.found;
}

const Stmt nothing = Evaluate::make(0);

}  // namespace

TEST_CASE("bf16 is rounded by pairs, the low element first, and widened by shifts") {
    constexpr int count = 64;
    std::vector<float> values(count);
    std::vector<uint16_t> halves(count);
    for (int i = 0; i < count; i++) {
        values[i] = std::ldexp(1 + (float)i / 977, i - 32) * (i % 3 == 0 ? -1 : 1);
        halves[i] = (uint16_t)(0x3f00 + 37 * i);
    }
    for (int lanes : {1, 2, 4, 8}) {
        INFO(lanes << " lanes");
        ImageParam x(Float(32), 1), h(BFloat(16), 1);
        Var i;
        Func narrow, wide;
        narrow(i) = float_to_half(BFloat(16), x(i));
        wide(i) = half_to_float(h(i));
        for (Func f : {narrow, wide}) {
            if (lanes > 1) {
                f.vectorize(i, lanes);
            }
        }
        Pipeline pipeline({narrow, wide});
        pipeline.add_custom_lowering_pass(new BfloatPairPass);
        pipeline.add_custom_lowering_pass(new HalfConvertPass(false, false));
        x.set(Buffer<float>(values.data(), count));
        h.set(Buffer<>(BFloat(16), halves.data(), std::vector<int>{count}));
        std::vector<uint16_t> narrowed(count);
        std::vector<float> widened(count);
        pairs_rounded = 0;
        norma::test::realize(pipeline, {Buffer<>(BFloat(16), narrowed.data(), std::vector<int>{count}),
                                        Buffer<float>(widened.data(), count)});
        CHECK(pairs_rounded == (lanes == 1 ? count : count / 2));
        for (int k = 0; k < count; k++) {
            CHECK(narrowed[k] == nearest_bf16(values[k]));
            CHECK(bits_of(widened[k]) == (uint32_t)halves[k] << 16);
        }
    }
}

TEST_CASE("pairs are for bf16 alone") {
    const Expr value = Variable::make(Float(32, 4), "value");
    const Expr f16 = float_to_half(Float(16, 4), value);
    CHECK(equal(BfloatPairPass().mutate(f16), f16));
}

TEST_CASE("NaN becomes the byte 0 without a choice for each element") {
    std::vector<float> values = {
        0, -127, 127, -0.5f, 1.5f, 2.5f, -3.5f, 100.4f, std::numeric_limits<float>::quiet_NaN()};
    const int count = (int)values.size();
    ImageParam x(Float(32), 1);
    x.set(Buffer<float>(values.data(), count));
    Var i;
    Func f;
    f(i) = narrow_within(NORMA_I8, x(i));
    Pipeline pipeline(f);
    pipeline.add_custom_lowering_pass(new NanBytePass);
    std::vector<int8_t> got(count);
    norma::test::realize(pipeline, {Buffer<int8_t>(got.data(), count)});
    CHECK(got == std::vector<int8_t>{0, -127, 127, 0, 2, 2, -4, 100, 0});

    std::ostringstream text;
    const Expr value = Variable::make(Float(32), "value");
    const auto choice = [&](const Expr &tested) {
        const Expr number = Call::make(Bool(), Call::strict_eq, {tested, tested}, Call::PureIntrinsic);
        const Expr sum = Call::make(Float(32), Call::strict_add, {value, 1.0f}, Call::PureIntrinsic);
        return Cast::make(Int(8), Reinterpret::make(Int(32), Select::make(number, sum, Expr(0.0f))));
    };
    text << NanBytePass().mutate(choice(value));
    CHECK(text.str().find("select") == std::string::npos);
    const Expr other = choice(Variable::make(Float(32), "other"));
    CHECK(equal(NanBytePass().mutate(other), other));
}

TEST_CASE("an expression in float64 is computed in fp32 instead") {
    ImageParam x(Float(32), 1);
    Var i;
    Func f;
    const auto wide = [&](const Expr &value) { return cast<double>(value); };
    const Expr value = cast<float>(cast<double>(1) / sqrt(wide(x(i)) * wide(x(i)) + cast<double>(0.001f)) - Expr(0.3));
    CHECK(has_doubles(value));
    CHECK_FALSE(has_doubles(in_single_precision(value)));
    f(i) = in_single_precision(value);
    constexpr int count = 100;
    std::vector<float> values(count), got(count);
    for (int k = 0; k < count; k++) {
        values[k] = 0.01f + (float)k / 7;
    }
    x.set(Buffer<float>(values.data(), count));
    norma::test::realize(f, {Buffer<float>(got.data(), count)});
    for (int k = 0; k < count; k++) {
        const float square = values[k] * values[k], sum = square + 0.001f;
        CHECK(got[k] == 1.0f / std::sqrt(sum) - 0.3f);
    }
}

TEST_CASE("what a thread keeps in registers is allocated whatever the loop, and other memory as Halide says") {
    const auto allocated = [](MemoryType memory) {
        const Expr condition = Variable::make(Bool(), "wanted");
        const Stmt allocate = Allocate::make("kept", Float(32), memory, {4}, condition, nothing);
        return RegisterElementPass().mutate(LetStmt::make("wanted", Variable::make(Int(32), "k") < 3, allocate));
    };
    const Stmt in_registers = allocated(MemoryType::Register);
    REQUIRE(in_registers.as<Allocate>() != nullptr);  // what only the condition used is gone
    CHECK(is_const_one(in_registers.as<Allocate>()->condition));
    const Stmt shared = allocated(MemoryType::GPUShared);
    REQUIRE(shared.as<LetStmt>() != nullptr);
    CHECK_FALSE(is_const_one(shared.as<LetStmt>()->body.as<Allocate>()->condition));
}

TEST_CASE("stages whose lanes exchange values are never skipped, others are where Halide skips them") {
    EveryLanePass pass({"stage"});
    const Expr condition = Variable::make(Int(32), "k") < 3;
    const auto mutated = [&](const std::string &name) {
        return pass.mutate(LetStmt::make(name, condition, nothing)).as<LetStmt>()->value;
    };
    CHECK(is_const_one(mutated("stage.loaded.0")));
    CHECK(equal(mutated("other.loaded.0"), condition));
    CHECK(equal(mutated("stages"), condition));
}
