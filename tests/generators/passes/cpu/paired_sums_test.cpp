// SPDX-License-Identifier: MIT
// Sums of bf16 two by two have the bits of sums one by one, and nothing else in a loop is touched.
#include "generators/passes/cpu/paired_sums.h"

#include <cstdint>
#include <random>
#include <sstream>
#include <vector>

#include "generators/passes/half_convert.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using Halide::Expr;
using Halide::Var;

constexpr int lanes = 32, blocks = 50;

// Two sums in lanes that share what they load, and a maximum; with lanes that begin at something else than zero.
struct Sums {
    explicit Sums(int width) : pipeline(make(width)) {}

    Halide::Pipeline make(int width) {
        Var lane("lane");
        Halide::RDom block(0, blocks, "block");
        const Expr x = norma::half_to_float(row(block * lanes + lane));
        Halide::Func f("f"), out("out");
        f(lane) = Halide::Tuple(Halide::cast<float>(lane), 0.0F, 1.5F);
        f(lane) = Halide::Tuple(f(lane)[0] + x, f(lane)[1] + x * x, Halide::max(f(lane)[2], x));
        f.compute_root().bound_extent(lane, lanes).store_in(Halide::MemoryType::Stack);
        f.vectorize(lane, width).update().reorder(lane, block).vectorize(lane, width).unroll(lane);
        out(lane) = f(lane);
        out.bound(lane, 0, lanes).vectorize(lane, width);
        return {out};
    }

    std::vector<float> values(bool paired) {
        if (paired) {
            pipeline.add_custom_lowering_pass(new norma::PairedSumsPass);
        }
        pipeline.add_custom_lowering_pass(new norma::HalfConvertPass(false, false));
        std::vector<float> result(3 * lanes);
        std::vector<Halide::Buffer<>> outputs;
        for (int i = 0; i < 3; i++) {
            outputs.emplace_back(Halide::Buffer<float>(result.data() + i * lanes, lanes));
        }
        norma::test::realize(pipeline, outputs);
        return result;
    }

    Halide::ImageParam row{Halide::BFloat(16), 1, "row"};
    Halide::Pipeline pipeline;
};

std::vector<uint16_t> numbers() {
    std::mt19937 generator(1);
    std::vector<uint16_t> bits(lanes * blocks);
    for (uint16_t &b : bits) {
        b = (uint16_t)(0x3c00 + generator() % 0x0500 + (generator() % 2 << 15));  // 2^-7 to 2^3 of either sign
    }
    return bits;
}

class Interleaves : public Halide::Internal::IRVisitor {
public:
    int count = 0;

private:
    using IRVisitor::visit;
    void visit(const Halide::Internal::Shuffle *op) override {
        count += op->is_interleave() ? 1 : 0;
        IRVisitor::visit(op);
    }
};

int interleaves(const Halide::Internal::Stmt &body) {
    const Halide::Internal::Stmt loop = Halide::Internal::For::make(
        "k", 0, blocks, Halide::Internal::ForType::Serial, Halide::Partition::Auto, Halide::DeviceAPI::None, body);
    Interleaves found;
    norma::PairedSumsPass().mutate(loop).accept(&found);
    return found.count;
}

}  // namespace

TEST_CASE("sums of bf16 two by two have the bits of sums one by one", "[passes]") {
    std::vector<uint16_t> bits = numbers();
    for (const int width : {4, 8, 16, 32}) {
        std::vector<float> result[2];
        for (const bool paired : {false, true}) {
            Sums sums(width);
            sums.row.set(Halide::Buffer<>(Halide::BFloat(16), bits.data(), lanes * blocks));
            result[paired ? 1 : 0] = sums.values(paired);
        }
        INFO("vectors of " << width);
        CHECK(result[0] == result[1]);
    }
}

TEST_CASE("the largest of a vector of bf16 is found two by two", "[passes]") {
    std::vector<uint16_t> bits = numbers();
    const Halide::Buffer<> row(Halide::BFloat(16), bits.data(), lanes * blocks);
    const auto largest = [&](bool paired) {
        Var block("block");
        Halide::RDom k(0, lanes, "k");
        const Expr x = norma::half_to_float(Halide::Buffer<Halide::bfloat16_t>(row)(block * lanes + k));
        Halide::Func f("f");
        f(block) = Halide::cast<uint32_t>(0);
        f(block) = Halide::max(f(block), Halide::reinterpret<uint32_t>(x * 3.0F));
        f.update().atomic().vectorize(k);
        Halide::Pipeline pipeline(f);
        if (paired) {
            pipeline.add_custom_lowering_pass(new norma::PairedSumsPass);
        }
        pipeline.add_custom_lowering_pass(new norma::HalfConvertPass(false, false));
        std::vector<uint32_t> result(blocks);
        norma::test::realize(pipeline, {Halide::Buffer<uint32_t>(result.data(), blocks)});
        return result;
    };
    CHECK(largest(true) == largest(false));
}

TEST_CASE("only sums of bf16 in lanes that stay are made two by two", "[passes]") {
    using namespace Halide::Internal;
    const Expr all = const_true(32), k = Variable::make(Halide::Int(32), "k"), lane = Ramp::make(0, 1, 32);
    const auto load = [&](const Halide::Type &type, const std::string &name, const Expr &index) {
        return Load::make(type.with_lanes(32), name, index, {}, {}, all, {});
    };
    const auto store = [&](const Expr &value, const Expr &index) {
        return Store::make("sums", value, index, {}, all, {});
    };
    const Expr x = norma::half_to_float(load(Halide::BFloat(16), "x", Ramp::make(k * 32, 1, 32))),
               before = load(Halide::Float(32), "sums", lane);
    const Expr sum = before + x;
    CHECK(interleaves(store(sum, lane)) > 0);
    CHECK(interleaves(LetStmt::make("v", x, store(before + Variable::make(x.type(), "v"), lane))) > 0);
    // Lanes that are not added to, that the loop has for itself, that move, or that something else in the loop reads;
    // fp32 beside bf16; every other element.
    CHECK(interleaves(store(x, lane)) == 0);
    CHECK(interleaves(Allocate::make("sums", Halide::Float(32), Halide::MemoryType::Stack, {32}, const_true(),
                                     store(sum, lane))) == 0);
    CHECK(interleaves(store(sum, Ramp::make(k * 32, 1, 32))) == 0);
    CHECK(interleaves(
              LetStmt::make("at", k * 32, store(sum, Ramp::make(Variable::make(Halide::Int(32), "at"), 1, 32)))) == 0);
    CHECK(interleaves(Block::make(store(sum, lane), Store::make("copy", before, lane, {}, all, {}))) == 0);
    CHECK(interleaves(store(sum * load(Halide::Float(32), "w", lane), lane)) == 0);
    CHECK(interleaves(
              store(before + norma::half_to_float(load(Halide::BFloat(16), "x", Ramp::make(0, 2, 32))), lane)) == 0);
}
