// SPDX-License-Identifier: MIT
// Sharded norms on CUDA, with the kernels of manifests/cuda-test.json: here on the fake driver. Where there is one
// rank, a kernel takes the chunks of all rows at once, else of one after the other.
#include "sharded_norm.h"
#include "tests/support/catch.h"

namespace {

using namespace norma::test;
using Catch::Contains;
using Statuses = std::vector<norma_status>;

ShardedSpec on_cuda(norma_op op, norma_dtype dtype) {
    ShardedSpec spec;
    spec.op = op;
    spec.dtype = dtype;
    spec.device = NORMA_CUDA;
    spec.chunk = 256;
    spec.slices = even(1024, 2);
    return spec;
}

constexpr std::pair<norma_op, norma_dtype> norms[] = {
    {NORMA_LAYER_NORM_FORWARD, NORMA_F32},  {NORMA_LAYER_NORM_FORWARD, NORMA_BF16},
    {NORMA_RMS_NORM_FORWARD, NORMA_F32},    {NORMA_RMS_NORM_FORWARD, NORMA_BF16},
    {NORMA_LAYER_NORM_BACKWARD, NORMA_F32}, {NORMA_RMS_NORM_BACKWARD, NORMA_F32}};

}  // namespace

TEST_CASE("sharded norms on CUDA: the same bits on any number of ranks", "[cuda]") {
    for (const auto &[op, dtype] : norms) {
        check_on_ranks(on_cuda(op, dtype), 1024, {2, 4});
    }
}

TEST_CASE("sharded norms on CUDA: slices that are no whole chunks, rows far from zero", "[cuda]") {
    for (const auto &[op, dtype] : norms) {
        ShardedSpec spec = on_cuda(op, dtype);
        spec.slices = even(640, 2);
        spec.outer = {2, 2};
        for (const RowKind kind : {RowKind::normal, RowKind::far, RowKind::constant}) {
            spec.rows_of = kind;
            ShardedNorm sharded(spec);
            sharded.run();
            INFO(spec.text());
            CHECK(sharded.check(kind == RowKind::normal ? 4 : 8) == "");
        }
    }
}

TEST_CASE("sharded norms on CUDA: a residual, and quantized slices", "[cuda]") {
    for (const bool quantized : {false, true}) {
        ShardedSpec spec = on_cuda(NORMA_RMS_NORM_FORWARD, NORMA_BF16);
        spec.residual = true;
        spec.y = quantized ? NORMA_I8 : NORMA_BF16;
        spec.scale = quantized ? NORMA_SCALE_ROW : NORMA_SCALE_NONE;
        ShardedNorm norm(spec);
        norm.run();
        INFO(spec.text());
        CHECK(norm.check(4) == "");
    }
}

TEST_CASE("sharded norms on CUDA: an exchange that fails", "[cuda]") {
    Ranks ranks(2);
    ranks.fault = [](int32_t rank) { return rank == 1 ? 5 : 0; };
    ShardedNorm norm(on_cuda(NORMA_RMS_NORM_FORWARD, NORMA_F32));
    CHECK(norm.run(ranks) == Statuses{NORMA_OK, NORMA_EXCHANGE_FAILED});
    CHECK_THAT(norm.messages[1], Contains("exchange returned 5; expected 0"));
    ranks.fault = [](int32_t) { return 5; };
    ShardedNorm failed(norm.spec);
    CHECK(failed.run(ranks) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_EXCHANGE_FAILED});
    CHECK(failed.untouched());
}

TEST_CASE("sharded norms on CUDA: the others hear of a rank that is refused by NaN", "[cuda]") {
    Ranks ranks(2);
    ShardedNorm norm(on_cuda(NORMA_RMS_NORM_FORWARD, NORMA_F32));
    const auto wrong = [](int32_t rank, norma_arguments &arguments, norma_execution &) {
        arguments.y.data = rank == 1 ? nullptr : arguments.y.data;
    };
    CHECK(norm.run(ranks, wrong) == Statuses{NORMA_OK, NORMA_INVALID_ARGUMENT});
    CHECK_THAT(norm.messages[1], Contains("y.data is null"));
    CHECK(norm.is_nan(0));
}

TEST_CASE("sharded norms on CUDA: refusals", "[cuda]") {
    Ranks ranks(2);
    ShardedSpec spec = on_cuda(NORMA_RMS_NORM_FORWARD, NORMA_F32);
    const Statuses refused = {NORMA_INVALID_ARGUMENT, NORMA_INVALID_ARGUMENT};
    spec.kind = NORMA_ALL_REDUCE;
    ShardedNorm sums(spec);
    CHECK(sums.run(ranks) == refused);
    CHECK_THAT(sums.messages[0], Contains("desc.kind is 1; expected NORMA_ALL_GATHER (0) on CUDA"));
    spec.kind = NORMA_ALL_GATHER;
    spec.slices = {256, 512};
    ShardedNorm uneven(spec);
    CHECK(uneven.run(ranks) == refused);
    CHECK_THAT(uneven.messages[0], Contains("desc.slices[1] is 512; expected 256, as of every rank on CUDA"));
}
