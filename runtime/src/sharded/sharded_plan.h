// SPDX-License-Identifier: MIT
// A sharded plan: where the ranks' chunks lie in a row, and the kernels' plans for this rank's slice.
#pragma once

#include "norma/sharded.h"
#include "runtime/src/core/plan.h"
#include "runtime/src/device/device.h"

struct norma_sharded_plan {
    norma_plan *chunk_plan;   // partial statistics of a whole chunk; null where the slice has none
    norma_plan *rest_plan;    // of what is left of the slice; null where nothing is
    norma_plan *merged_plan;  // the norm, once the statistics are merged
    int32_t rank, ranks;
    int64_t *slices;  // of each rank
    int64_t hidden;   // of a whole row
    int64_t chunk;
    int64_t block;        // rows; 0: all
    int64_t most_chunks;  // of a rank
    norma_exchange_kind kind;
    int32_t moments;  // for each row: 1, or 2 with layer_norm
    bool centred;     // the second is a variance around the first
};

namespace norma {

inline int64_t whole_chunks(const norma_sharded_plan &plan) { return plan.slices[plan.rank] / plan.chunk; }

inline int64_t chunks_of(const norma_sharded_plan &plan, int32_t rank) {
    return (plan.slices[rank] + plan.chunk - 1) / plan.chunk;
}

// Elements of a rank's chunk, of which the last may be shorter.
inline int64_t chunk_size(const norma_sharded_plan &plan, int32_t rank, int64_t index) {
    const int64_t left = plan.slices[rank] - index * plan.chunk;
    return left < plan.chunk ? left : plan.chunk;
}

// A run's workspace, in elements of float64 but for its size.
struct ShardedWorkspace {
    int64_t partials;  // of this rank, by moment, row and chunk
    int64_t send, count;
    int64_t receive;
    int64_t merged;   // by moment and row
    int64_t kernels;  // for the plans' workspace
    size_t bytes;     // of all
};

// What a rank sends in front of its statistics, from memory of the host.
inline constexpr int64_t sent_failed = 0, sent_call = 1;
inline int64_t sent_before(const norma_sharded_plan &plan) { return plan.merged_plan->device->host_memory ? 2 : 0; }

// Of what all ranks sent, `count` numbers each, on a device.
Merge merge_of(const norma_sharded_plan &plan, int64_t rows, int64_t count, double *gathered, double *merged,
               void *stream);

// False where it is more than the address space.
bool lay_out(const norma_sharded_plan &plan, int64_t rows, int32_t threads, ShardedWorkspace *layout);

}  // namespace norma
