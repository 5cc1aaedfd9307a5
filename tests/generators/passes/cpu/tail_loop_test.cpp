// SPDX-License-Identifier: MIT
// The last elements of a row one after the other have the bits of a masked vector, and no others are written.
#include "generators/passes/cpu/tail_loop.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/jit.h"

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int lanes = 32, most = 100;

class Masked : public IRVisitor {
public:
    int stores = 0;

private:
    using IRVisitor::visit;
    void visit(const Store *op) override {
        stores += is_const_one(op->predicate) ? 0 : 1;
        IRVisitor::visit(op);
    }
};

struct CountMasked : IRMutator {
    explicit CountMasked(int *count) : count(count) {}
    using IRMutator::mutate;
    Stmt mutate(const Stmt &stmt) override {
        Masked masked;
        stmt.accept(&masked);
        *count = masked.stores;
        return stmt;
    }
    int *count;
};

// y = f(x, its place, a number): of 16 bits, with all kinds of operations.
Pipeline made(const ImageParam &x) {
    Var d("d"), outer, inner;
    Func y("y");
    const Expr value = cast<int32_t>(x(d));
    y(d) = cast<uint16_t>(select(value % 3 == 0, value * d, value << 2) + cast<int32_t>(sqrt(cast<float>(value))));
    y.output_buffer().dim(0).set_min(0);
    y.split(d, outer, inner, lanes, TailStrategy::GuardWithIf).vectorize(inner);
    return y;
}

std::vector<uint16_t> values(int count, int register_lanes, int least_masked_bits, int *masked) {
    ImageParam x(UInt(16), 1, "x");
    std::vector<uint16_t> row(most), out(most, 0xabcd);
    std::iota(row.begin(), row.end(), uint16_t{1000});
    x.set(Buffer<uint16_t>(row.data(), count));
    Pipeline pipeline = made(x);
    if (register_lanes != 0) {
        pipeline.add_custom_lowering_pass(new norma::TailLoopPass(register_lanes, least_masked_bits));
    }
    pipeline.add_custom_lowering_pass(new CountMasked(masked));
    norma::test::realize(pipeline, {Buffer<uint16_t>(out.data(), count)});
    return out;
}

}  // namespace

TEST_CASE("the last elements have the same bits in a loop", "[tail_loop]") {
    for (const int count : {1, 7, 8, 9, 31, 32, 33, 63, 64, 71, 99}) {
        INFO(count);
        int masked = 0;
        const std::vector<uint16_t> expected = values(count, 0, 0, &masked);
        CHECK(masked == 1);
        CHECK(values(count, 8, 128, &masked) == expected);
        CHECK(masked == 0);
        CHECK(values(count, 8, 16, &masked) == expected);  // the last register is masked
        CHECK(masked == 1);
    }
}

TEST_CASE("a masked store that is not of the first lanes, lane by lane, is left as it is", "[tail_loop]") {
    const Expr ramp = Ramp::make(0, 1, lanes), n = Broadcast::make(Variable::make(Int(32), "n"), lanes);
    const auto store = [&](const Expr &value, const Expr &mask) {
        return Store::make("y", value, ramp, Parameter(), mask, {});
    };
    const Expr plain = cast(UInt(16, lanes), ramp), other = Variable::make(UInt(16, lanes), "v"),
               halves = Shuffle::make_concat(
                   {Broadcast::make(cast<uint16_t>(1), lanes / 2), Broadcast::make(cast<uint16_t>(2), lanes / 2)});
    norma::TailLoopPass pass(8, 128);
    for (const Stmt &left :
         {store(plain, const_true(lanes)), store(plain, n < ramp), store(plain, n != ramp),
          store(plain, Ramp::make(0, 2, lanes) < n), store(other, ramp < n), store(halves, ramp < n)}) {
        INFO(left);
        CHECK(pass.mutate(left).same_as(left));
    }
    CHECK_FALSE(pass.mutate(store(plain, ramp < n)).as<Store>());
}

TEST_CASE("what a store before may change is not loaded after it", "[tail_loop]") {
    const Expr ramp = Ramp::make(0, 1, lanes), mask = ramp < Broadcast::make(Variable::make(Int(32), "n"), lanes);
    const Type type = UInt(16, lanes);
    const Expr loaded = Load::make(type, "x", ramp, Buffer<>(), Parameter(), mask, {}),
               named = Variable::make(type, "v");
    const Stmt both = LetStmt::make("v", loaded,
                                    Block::make(Store::make("x", named + 1, ramp, Parameter(), mask, {}),
                                                Store::make("y", named, ramp, Parameter(), mask, {})));
    CHECK(norma::TailLoopPass(8, 128).mutate(both).same_as(both));
}
