// SPDX-License-Identifier: MIT
// Norms of rows whose hidden size is spread over ranks: each rank has a slice of every row, and of weight and bias.
// docs/many-machines.md has the method, its costs and its errors.
//
//   1. Each rank makes a plan of its slice (norma_sharded_plan_create).
//   2. All ranks run it together, on the same rows (norma_sharded_run): the statistics of the slice, one exchange with
//      the other ranks through a function of the caller's, and the norm of the slice.
//
// On CUDA all of it, the exchange too, is launched on a stream, and nothing is waited for.
#ifndef NORMA_SHARDED_H
#define NORMA_SHARDED_H

#include "norma.h"

#ifdef __cplusplus
extern "C" {
#endif

// How the ranks' statistics become those of whole rows.
typedef enum norma_exchange_kind {
    // Every rank gets the numbers of every chunk, and merges them in the order of the row: all ranks have the same
    // bits, whatever their number, where slices are whole chunks. 8 bytes for each row and chunk (layer_norm: 16).
    NORMA_ALL_GATHER = 0,
    // The ranks' sums are added up: 8 bytes for each row (layer_norm: 16), however long rows are. Bits depend on the
    // number of ranks, and are the same on every rank where the caller's sum is. The variance of layer_norm is that of
    // mean(x^2) - mean^2 in float64: for rows far from zero it has a relative error of up to (mean / deviation)^2 /
    // 2^53 for each chunk of a rank and each rank.
    NORMA_ALL_REDUCE = 1
} norma_exchange_kind;

typedef struct norma_exchange_request {
    norma_exchange_kind kind;
    norma_dtype type;  // of the elements: NORMA_F64
    int64_t count;     // of elements that each rank sends, the same on all
    const void *send;
    // NORMA_ALL_GATHER: ranks * count elements, those of rank 0 first. NORMA_ALL_REDUCE: count sums over the ranks.
    void *receive;
    int32_t rank, ranks;
    void *stream;  // execution.cuda_stream, on which CUDA fills `send`, memory of the device as is `receive`
} norma_exchange_request;

// The caller's communication library: fills in `receive` and returns 0 when that is done, on CUDA when it is launched
// on the stream; or another number when it has failed or taken too long. It is called once for each run with rows, or
// for each block of them, on the thread of the run. Like norma_parallel_for it must return. Norma waits for nothing
// else, so how long a run waits for a rank that does not come is its choice.
typedef int (*norma_exchange)(void *communicator, const norma_exchange_request *request);

// Zero-initialize, set `size`, then the fields you need. Copied by norma_sharded_plan_create.
typedef struct norma_sharded_desc {
    size_t size;  // sizeof(norma_sharded_desc)
    // Of this rank's slice: `hidden` is the slice's. A forward, whose y may be quantized, or a backward with saved
    // statistics; x is f32, f16 or bf16; `kernel` is null. Of the same op and contract on all ranks. A dynamic
    // scale of a row (NORMA_SCALE_ROW) is that of its slice: each rank has its own.
    norma_plan_desc norm;
    int32_t rank, ranks;
    const int64_t *slices;     // the hidden sizes of all ranks, in their order; null, or on CUDA: all are as this one's
    int64_t chunk;             // elements whose statistics are found together, the same on all ranks; 0: 1024
    norma_exchange_kind kind;  // on CUDA NORMA_ALL_GATHER
    // Of a forward: about as many rows are exchanged and normalized together, the same on all ranks; 0: all of a run's.
    // What a core's second-level cache holds is then read from memory once, not twice. Divides the outermost dimension
    // of x that is not 1.
    int64_t block;
} norma_sharded_desc;

typedef struct norma_sharded_plan norma_sharded_plan;

// On success *plan is to be destroyed with norma_sharded_plan_destroy; on failure it is null. Thread-safe. Allocates.
// Errors: as norma_plan_create's. The library needs kernels with the statistics `partial` and `merged`.
NORMA_API norma_status norma_sharded_plan_create(const norma_sharded_desc *desc, norma_sharded_plan **plan);

// Null is allowed. No run of the plan may be under way.
NORMA_API void norma_sharded_plan_destroy(norma_sharded_plan *plan);

// Bytes of workspace that a run of `rows` rows on at most `threads` threads (0: norma_get_num_threads()) needs: at
// least 8 for each row and chunk of all ranks.
NORMA_API norma_status norma_sharded_workspace_size(const norma_sharded_plan *plan, int64_t rows, int32_t threads,
                                                    size_t *bytes);

// The norm of this rank's slice, together with the other ranks' runs of as many rows. Arguments are those of
// norma_plan_run, of the slice; saved statistics are those of whole rows. `exchange` may be null where there is one
// rank. A plan may be run by any number of threads at once, where `exchange` can tell their calls apart. Never
// allocates.
//
// On NORMA_OK everything is written, or launched on CUDA. On failure nothing is, of a block where there are several,
// before its exchange has succeeded on this rank; what fails afterwards is what norma_plan_run finds late, and leaves
// outputs undefined. Errors:
//   INVALID_ARGUMENT   This rank's arguments. The others are told in the exchange, except where there can be none
//                      (plan, arguments' size, shape of x, exchange, workspace): they wait as long as theirs does.
//   EXCHANGE_FAILED    The exchange returned another number than 0, or another rank was refused, failed, or ran
//                      something else: op, contract, rows, hidden size, chunk and eps are compared.
//   others             As norma_plan_run's.
// On CUDA the workspace is memory of the device, and no run waits to see what the others sent: where a rank was refused
// or failed, the others' runs return NORMA_OK, and what they write is NaN (a quantized y 0 with a scale of NaN, or 0);
// that they run the same is not compared.
NORMA_API norma_status norma_sharded_run(const norma_sharded_plan *plan, const norma_arguments *arguments,
                                         const norma_execution *execution, norma_exchange exchange, void *communicator);

#ifdef __cplusplus
}
#endif

#endif
