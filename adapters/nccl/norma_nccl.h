// SPDX-License-Identifier: MIT
// The exchange of norma_sharded_run on CUDA through NCCL.
//
//   execution.cuda_stream = stream;
//   norma_sharded_run(plan, &arguments, &execution, norma_nccl_exchange, communicator);
#ifndef NORMA_NCCL_H
#define NORMA_NCCL_H

#include <nccl.h>
#include <norma/sharded.h>

#ifdef __cplusplus
extern "C" {
#endif

// A norma_exchange; `communicator` is an ncclComm_t, whose ranks are those of the plan. Launches a collective on the
// stream of the run, and waits for it no more than the run does: what it has by then is checked at the next exchange.
// A rank that dies or does not come keeps the others' streams waiting until they call ncclCommAbort. Returns an
// ncclResult_t: ncclInvalidArgument where rank and ranks are not the communicator's; the error of an exchange before
// this one. To be called as NCCL allows: by one thread for each communicator at a time.
int norma_nccl_exchange(void *communicator, const norma_exchange_request *request);

#ifdef __cplusplus
}
#endif

#endif
