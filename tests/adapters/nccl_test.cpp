// SPDX-License-Identifier: MIT
// Sharded norms through the adapter of NCCL and the functions of its header, which are this file's: ranks are threads.
#include <norma_nccl.h>

#include "tests/runtime/sharded/sharded_norm.h"
#include "tests/support/catch.h"

struct ncclComm {
    norma::test::Ranks *ranks;
    int rank, count;
    ncclResult_t state = ncclSuccess;
    int checks_in_progress = 0;  // before the state is known
    int gathers = 0;
};

extern "C" {

ncclResult_t ncclCommUserRank(ncclComm_t communicator, int *rank) { return *rank = communicator->rank, ncclSuccess; }

ncclResult_t ncclCommCount(ncclComm_t communicator, int *count) { return *count = communicator->count, ncclSuccess; }

ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t *state) {
    *state = communicator->checks_in_progress-- > 0 ? ncclInProgress : communicator->state;
    return ncclSuccess;
}

ncclResult_t ncclAllGather(const void *send, void *receive, size_t count, ncclDataType_t type, ncclComm_t communicator,
                           cudaStream_t stream) {
    communicator->gathers++;
    const norma_exchange_request request = {NORMA_ALL_GATHER,
                                            type == ncclFloat64 ? NORMA_F64 : NORMA_NONE,
                                            static_cast<int64_t>(count),
                                            send,
                                            receive,
                                            communicator->rank,
                                            communicator->count,
                                            stream};
    communicator->checks_in_progress = 3;
    return norma::test::Ranks::exchange(communicator->ranks, &request) == 0 ? ncclInProgress : ncclRemoteError;
}

ncclResult_t ncclAllReduce(const void *, void *, size_t, ncclDataType_t, ncclRedOp_t, ncclComm_t, cudaStream_t) {
    return ncclInvalidUsage;  // which no plan on CUDA asks for
}
}

namespace {

using namespace norma::test;
using Catch::Contains;
using Statuses = std::vector<norma_status>;

struct Group {
    Ranks ranks{2};
    ncclComm communicators[2] = {{&ranks, 0, 2}, {&ranks, 1, 2}};
    ShardedNorm norm;

    Group() : norm(spec()) {
        norm.exchange = norma_nccl_exchange;
        norm.communicator = [this](int32_t rank) { return &communicators[rank]; };
    }

    static ShardedSpec spec() {
        ShardedSpec spec;
        spec.op = NORMA_RMS_NORM_FORWARD;
        spec.device = NORMA_CUDA;
        spec.slices = even(1024, 2);
        spec.chunk = 256;
        return spec;
    }
};

}  // namespace

TEST_CASE("sharded norms over NCCL: one collective for each run", "[cuda]") {
    Group group;
    CHECK(group.norm.run(group.ranks) == Statuses{NORMA_OK, NORMA_OK});
    CHECK(group.norm.check(4) == "");
    CHECK(group.communicators[0].gathers == 1);
}

TEST_CASE("sharded norms over NCCL: an error of the communicator, before and within an exchange", "[cuda]") {
    Group group;
    group.communicators[0].state = group.communicators[1].state = ncclRemoteError;
    const Statuses failed = {NORMA_EXCHANGE_FAILED, NORMA_EXCHANGE_FAILED};
    CHECK(group.norm.run(group.ranks) == failed);
    CHECK_THAT(group.norm.messages[0], Contains("exchange returned 6; expected 0"));
    CHECK(group.communicators[0].gathers == 0);
    CHECK(group.norm.untouched());
    Group within;
    within.ranks.fault = [](int32_t) { return 1; };
    CHECK(within.norm.run(within.ranks) == failed);
    CHECK(within.communicators[0].gathers == 1);
    CHECK(within.norm.untouched());
}

TEST_CASE("sharded norms over NCCL: a communicator of other ranks", "[cuda]") {
    Group group;
    group.communicators[0].count = group.communicators[1].count = 4;
    CHECK(group.norm.run(group.ranks) == Statuses{NORMA_EXCHANGE_FAILED, NORMA_EXCHANGE_FAILED});
    CHECK_THAT(group.norm.messages[0], Contains("exchange returned 4; expected 0"));
    CHECK(group.norm.untouched());
}
