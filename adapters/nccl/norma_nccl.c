// SPDX-License-Identifier: MIT
#include "norma_nccl.h"

// A communicator that does not block is at work for a while, also after a call that has returned.
static ncclResult_t state_of(ncclComm_t communicator) {
    ncclResult_t state = ncclInProgress;
    while (state == ncclInProgress) {
        const ncclResult_t error = ncclCommGetAsyncError(communicator, &state);
        if (error != ncclSuccess) {
            return error;
        }
    }
    return state;
}

static ncclResult_t check(ncclComm_t communicator, const norma_exchange_request *request) {
    int rank = -1, ranks = -1;
    ncclResult_t error = state_of(communicator);
    error = error ? error : ncclCommUserRank(communicator, &rank);
    error = error ? error : ncclCommCount(communicator, &ranks);
    if (error != ncclSuccess) {
        return error;
    }
    const int is_that_of_the_plan = rank == request->rank && ranks == request->ranks;
    return is_that_of_the_plan && request->type == NORMA_F64 ? ncclSuccess : ncclInvalidArgument;
}

int norma_nccl_exchange(void *communicator, const norma_exchange_request *request) {
    const size_t count = (size_t)request->count;
    ncclResult_t error = check(communicator, request);
    if (error == ncclSuccess) {
        error = request->kind == NORMA_ALL_REDUCE
                    ? ncclAllReduce(request->send, request->receive, count, ncclFloat64, ncclSum, communicator,
                                    request->stream)
                    : ncclAllGather(request->send, request->receive, count, ncclFloat64, communicator, request->stream);
    }
    return error == ncclInProgress ? state_of(communicator) : error;
}
