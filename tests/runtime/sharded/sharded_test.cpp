// SPDX-License-Identifier: MIT
// Sharded norms: bits that do not depend on ranks, float64, and what becomes of faults.
#include <atomic>
#include <cfenv>

#include "sharded_norm.h"
#include "tests/support/catch.h"
#include "tests/support/flush_denormals.h"

namespace {

using namespace norma::test;
using Catch::Contains;

constexpr norma_op ops[] = {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD, NORMA_LAYER_NORM_BACKWARD,
                            NORMA_RMS_NORM_BACKWARD};

void for_every_norm(const std::function<void(ShardedSpec)> &test) {
    for (const norma_op op : ops) {
        for (const norma_dtype dtype : {NORMA_F32, NORMA_BF16, NORMA_F16}) {
            ShardedSpec spec;
            spec.op = op;
            spec.dtype = dtype;
            test(spec);
        }
    }
}

ShardedSpec two_ranks(norma_exchange_kind kind = NORMA_ALL_GATHER) {
    ShardedSpec spec;
    spec.slices = even(256, 2);
    spec.kind = kind;
    return spec;
}

using Statuses = std::vector<norma_status>;

}  // namespace

TEST_CASE("sharded norms: the same bits on any number of ranks", "[sharded]") {
    for_every_norm([](ShardedSpec spec) {
        for (const int64_t chunk : {0, 128}) {
            spec.chunk = chunk;
            const std::string whole = check_on_ranks(spec, 8192, {2, 4, 8});
            spec.slices = {1024, 5120, 2048};
            ShardedNorm uneven(spec);
            uneven.run();
            INFO(spec.text());
            CHECK((uneven.bytes(false) == whole));
        }
    });
}

TEST_CASE("sharded norms: a residual is added before, with the same bits on any number of ranks", "[sharded]") {
    for (const norma_op op : {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD}) {
        ShardedSpec spec;
        spec.op = op;
        spec.dtype = NORMA_BF16;
        spec.residual = true;
        check_on_ranks(spec, 8192, {2, 4});
        spec.slices = {33, 1024, 1025};
        spec.outer = {2, 1, 3};
        ShardedNorm uneven(spec);
        uneven.run();
        INFO(spec.text());
        CHECK(uneven.check(4) == "");
    }
}

TEST_CASE("sharded norms: the same bits in any floating-point environment of the ranks", "[sharded]") {
    const struct {
        const char *name;
        void (*enter)();
    } modes[] = {
        {"denormals are flushed", flush_denormals},
        {"rounding is upward", [] { std::fesetround(FE_UPWARD); }},
        {"exceptions trap", [] { feenableexcept(FE_ALL_EXCEPT); }},
    };
    for (const norma_op op : ops) {
        for (const RowKind kind : {RowKind::normal, RowKind::denormal}) {
            ShardedSpec spec = two_ranks();
            spec.op = op;
            spec.rows_of = kind;
            ShardedNorm standard(spec);
            standard.run();
            for (const auto &mode : modes) {
                Ranks ranks(2);
                ShardedNorm norm(spec);
                norm.run(ranks, [&](int32_t, norma_arguments &, norma_execution &) { mode.enter(); });
                CAPTURE(spec.text(), mode.name);
                CHECK((norm.bytes() == standard.bytes()));
            }
        }
    }
}

// The slice is what a scale of a row is of: its bits depend on where slices end, the others' do not.
TEST_CASE("sharded norms: quantized slices", "[sharded]") {
    for (const norma_scale scale : {NORMA_SCALE_TENSOR, NORMA_SCALE_ROW}) {
        ShardedSpec spec;
        spec.dtype = NORMA_BF16;
        spec.residual = true;
        spec.y = NORMA_I8;
        spec.scale = scale;
        std::string of_one;
        for (const int32_t ranks : {1, 2, 4}) {
            spec.slices = even(4096, ranks);
            ShardedNorm norm(spec);
            norm.run();
            INFO(spec.text());
            CHECK(norm.check(4) == "");
            of_one = ranks == 1 ? norm.bytes(false) : of_one;
            CHECK((scale == NORMA_SCALE_ROW || norm.bytes(false) == of_one));
        }
    }
}

TEST_CASE("sharded norms: a given scale that is none, and a residual that is missing", "[sharded]") {
    ShardedSpec spec;
    spec.dtype = NORMA_BF16;
    spec.residual = true;
    spec.y = NORMA_I8;
    spec.scale = NORMA_SCALE_TENSOR;
    spec.slices = even(2048, 2);
    float nothing = 0;
    const std::pair<ShardedNorm::Change, const char *> wrong[] = {
        {[&](int32_t, norma_arguments &arguments, norma_execution &) { arguments.y_scale.data = &nothing; },
         "y_scale is 0; expected a finite number above 0"},
        {[](int32_t, norma_arguments &arguments, norma_execution &) { arguments.residual = {}; }, "residual"},
        {[](int32_t, norma_arguments &arguments, norma_execution &) { arguments.residual_out.data = nullptr; },
         "residual_out.data is null"}};
    for (const auto &[change, message] : wrong) {
        Ranks ranks(2);
        ShardedNorm norm(spec);
        CHECK(norm.run(ranks, change) == Statuses{NORMA_INVALID_ARGUMENT, NORMA_INVALID_ARGUMENT});
        CHECK_THAT(norm.messages[0], Contains(message));
        CHECK(norm.untouched());
    }
}

TEST_CASE("sharded norms: blocks of rows have the bits of all together", "[sharded]") {
    for (const std::vector<int64_t> &outer : {std::vector<int64_t>{7}, {1, 3, 5}, {4, 2}}) {
        ShardedSpec spec;
        spec.dtype = NORMA_BF16;
        spec.residual = true;
        spec.y = NORMA_I8;
        spec.scale = NORMA_SCALE_ROW;
        spec.slices = {1100, 948};
        spec.outer = outer;
        ShardedNorm whole(spec);
        whole.run();
        CHECK(whole.check(4) == "");
        for (const int64_t block : {1, 3, 1000}) {
            spec.block = block;
            ShardedNorm in_blocks(spec);
            in_blocks.run();
            INFO(spec.text());
            CHECK((in_blocks.bytes() == whole.bytes()));
            CHECK(in_blocks.check(4) == "");
        }
    }
}

TEST_CASE("sharded norms: an exchange that fails leaves the rows of its block and those behind", "[sharded]") {
    ShardedSpec spec = two_ranks();
    spec.block = 2;
    Ranks ranks(2);
    std::atomic<int> exchanges{0};
    ranks.fault = [&](int32_t) { return ++exchanges > 2 ? 5 : 0; };  // the first succeeds on both
    ShardedNorm norm(spec);
    CHECK(norm.run(ranks) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_EXCHANGE_FAILED});
    CHECK(exchanges == 4);
    const size_t two_rows = 2 * 256 * sizeof(float);
    const std::string y = norm.bytes(false);
    CHECK(y.substr(two_rows) == std::string(y.size() - two_rows, '\x55'));
    CHECK(y.substr(0, two_rows).find("\x55\x55\x55\x55") == std::string::npos);
}

TEST_CASE("sharded norms: the others hear of a rank that is refused in the first block's exchange", "[sharded]") {
    ShardedSpec spec = two_ranks();
    spec.block = 2;
    Ranks ranks(2);
    ShardedNorm norm(spec);
    const auto wrong = [](int32_t rank, norma_arguments &arguments, norma_execution &) {
        arguments.y.data = rank == 1 ? nullptr : arguments.y.data;
    };
    CHECK(norm.run(ranks, wrong) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_INVALID_ARGUMENT});
    CHECK(norm.untouched());
}

TEST_CASE("sharded norms: gradients of many rows have the strips of whole rows", "[sharded]") {
    ShardedSpec spec;
    spec.op = NORMA_LAYER_NORM_BACKWARD;
    spec.outer = {640};
    spec.chunk = 128;
    spec.slices = {2048};
    ShardedNorm whole(spec);
    whole.run();
    spec.slices = even(2048, 8);
    ShardedNorm sharded(spec);
    sharded.run();
    CHECK((sharded.bytes(false) == whole.bytes(false)));
}

TEST_CASE("sharded norms: slices that are no whole chunks, and sums, are as exact", "[sharded]") {
    for_every_norm([](ShardedSpec spec) {
        for (const norma_exchange_kind kind : {NORMA_ALL_GATHER, NORMA_ALL_REDUCE}) {
            for (const std::vector<int64_t> &slices :
                 {std::vector<int64_t>{1}, {1, 1}, {640, 640}, {1, 1500, 77}, {33, 1024, 1025, 7}}) {
                spec.kind = kind;
                spec.slices = slices;
                spec.outer = {2, 1, 3};
                ShardedNorm sharded(spec);
                sharded.run();
                INFO(spec.text());
                CHECK(sharded.check(4) == "");
            }
        }
    });
}

TEST_CASE("sharded norms: rows that break implementations", "[sharded]") {
    for (const norma_op op : {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD}) {
        for (int kind = 0; kind < static_cast<int>(RowKind::count); kind++) {
            for (const int64_t chunk : {0, 64}) {
                ShardedSpec spec;
                spec.op = op;
                spec.chunk = chunk;
                spec.rows_of = static_cast<RowKind>(kind);
                spec.slices = even(1280, 4);
                ShardedNorm sharded(spec);
                sharded.run();
                spec.slices = {1280};
                ShardedNorm whole(spec);
                whole.run();
                INFO(spec.text());
                const bool finite = spec.rows_of != RowKind::nan && spec.rows_of != RowKind::infinity;
                CHECK((!finite || sharded.check(8) == ""));
                CHECK((chunk == 0 || sharded.bytes(false) == whole.bytes(false) || !finite));
            }
        }
    }
}

// Of a sum the variance is mean(x^2) - mean^2.
TEST_CASE("sharded norms: sums of rows far from zero have the error that is documented", "[sharded]") {
    for (const RowKind kind : {RowKind::far, RowKind::shifted, RowKind::constant}) {
        ShardedSpec spec;
        spec.op = NORMA_LAYER_NORM_FORWARD;
        spec.kind = NORMA_ALL_REDUCE;
        spec.rows_of = kind;
        spec.slices = even(4096, 4);
        ShardedNorm norm(spec);
        norm.run();
        INFO(spec.text());
        CHECK(norm.check(4 + 4e4 * 4e4 * (1 + 4) * 0x1p-53 / 0x1p-23) == "");
    }
}

TEST_CASE("sharded norms: one rank needs no exchange, and no rows none", "[sharded]") {
    ShardedSpec spec = two_ranks();
    spec.outer = {0};
    Ranks ranks(2);
    ranks.fault = [](int32_t) { return 1; };
    CHECK(ShardedNorm(spec).run(ranks) == Statuses{NORMA_OK, NORMA_OK});
}

TEST_CASE("sharded norms: an exchange that fails on one rank", "[sharded]") {
    for (const norma_exchange_kind kind : {NORMA_ALL_GATHER, NORMA_ALL_REDUCE}) {
        Ranks ranks(2);
        ranks.fault = [](int32_t rank) { return rank == 1 ? 5 : 0; };
        ShardedNorm norm(two_ranks(kind));
        CHECK(norm.run(ranks) == Statuses{NORMA_OK, NORMA_EXCHANGE_FAILED});
        CHECK_THAT(norm.messages[1], Contains("exchange returned 5; expected 0"));
    }
}

TEST_CASE("sharded norms: a rank that dies or hangs", "[sharded]") {
    Ranks ranks(2);
    ranks.patience = std::chrono::milliseconds(100);
    ShardedNorm norm(two_ranks());
    // As if it had never come: its own exchange is never called.
    const auto gone = [](int32_t rank, norma_arguments &arguments, norma_execution &) {
        arguments.size = rank == 1 ? 0 : arguments.size;
    };
    CHECK(norm.run(ranks, gone) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_INVALID_ARGUMENT});
    CHECK_THAT(norm.messages[0], Contains("exchange returned 110"));
    CHECK(norm.untouched());
    CHECK(norm.run(ranks) == Statuses{NORMA_OK, NORMA_OK});  // and the next run is as ever
    CHECK(norm.check(4) == "");
}

TEST_CASE("sharded norms: moments are not the caller's", "[sharded]") {
    Ranks ranks(2);
    ShardedNorm norm(two_ranks());
    double moments[5] = {};
    const auto given = [&](int32_t, norma_arguments &arguments, norma_execution &) {
        arguments.second_moment = {moments, NORMA_F64, {}, 1, {5}, {1}};
    };
    CHECK(norm.run(ranks, given) == Statuses{NORMA_INVALID_ARGUMENT, NORMA_INVALID_ARGUMENT});
    CHECK_THAT(norm.messages[0], Contains("second_moment is given; expected all zero, since a sharded run finds it"));
    CHECK(norm.untouched());
}

TEST_CASE("sharded norms: the others hear of a rank that is refused", "[sharded]") {
    for (const norma_exchange_kind kind : {NORMA_ALL_GATHER, NORMA_ALL_REDUCE}) {
        Ranks ranks(2);
        ShardedNorm norm(two_ranks(kind));
        const auto wrong = [](int32_t rank, norma_arguments &arguments, norma_execution &) {
            arguments.y.data = rank == 1 ? nullptr : arguments.y.data;
        };
        CHECK(norm.run(ranks, wrong) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_INVALID_ARGUMENT});
        CHECK_THAT(norm.messages[0],
                   Contains(kind == NORMA_ALL_GATHER ? "rank 1 failed before the exchange: invalid argument"
                                                     : "1 of 2 ranks failed before the exchange"));
        CHECK_THAT(norm.messages[1], Contains("y.data is null"));
        CHECK(norm.untouched());
    }
}

TEST_CASE("sharded norms: ranks that run different calls", "[sharded]") {
    for (const norma_exchange_kind kind : {NORMA_ALL_GATHER, NORMA_ALL_REDUCE}) {
        Ranks ranks(2);
        ShardedNorm norm(two_ranks(kind));
        const auto other = [](int32_t rank, norma_arguments &arguments, norma_execution &) {
            arguments.eps = rank == 1 ? 1e-6F : arguments.eps;
        };
        CHECK(norm.run(ranks, other) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_EXCHANGE_FAILED});
        CHECK_THAT(norm.messages[0], Contains(kind == NORMA_ALL_GATHER ? "rank 1 runs another call than rank 0"
                                                                       : "ranks run different calls"));
        CHECK(norm.untouched());
    }
}
