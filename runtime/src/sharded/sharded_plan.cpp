// SPDX-License-Identifier: MIT
#include "sharded_plan.h"

#include <stdlib.h>

#include "runtime/src/core/errors.h"
#include "runtime/vocabulary/fields.h"

namespace norma {
namespace {

using ll = long long;

constexpr int64_t default_chunk = 1024;
constexpr uint32_t statistics_flags = NORMA_RECOMPUTE_STATISTICS | NORMA_PARTIAL_STATISTICS | NORMA_MERGED_STATISTICS;

norma_status check_ranks(const norma_sharded_desc &desc) {
    if (desc.ranks < 1) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.ranks is %d; expected 1 or more", desc.ranks);
    }
    if (desc.rank < 0 || desc.rank >= desc.ranks) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.rank is %d; expected 0 to %d, one less than desc.ranks", desc.rank,
                    desc.ranks - 1);
    }
    if (desc.chunk < 0 || desc.chunk > max_hidden) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.chunk is %lld; expected 0 to %d", ll{desc.chunk}, max_hidden);
    }
    if (desc.kind != NORMA_ALL_GATHER && desc.kind != NORMA_ALL_REDUCE) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.kind is %d; expected NORMA_ALL_GATHER or NORMA_ALL_REDUCE",
                    static_cast<int>(desc.kind));
    }
    const OpInfo *op = find_op(desc.norm.op);
    if (desc.block < 0 || (desc.block > 0 && op && op->backward)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.block is %lld; expected 0 or more, and 0 for a backward",
                    ll{desc.block});
    }
    for (int32_t rank = 0; desc.slices && rank < desc.ranks; rank++) {
        if (desc.slices[rank] < 1 || desc.slices[rank] > max_hidden) {
            return fail(NORMA_INVALID_ARGUMENT, "desc.slices[%d] is %lld; expected 1 to %d", rank,
                        ll{desc.slices[rank]}, max_hidden);
        }
    }
    if (desc.slices && desc.slices[desc.rank] != desc.norm.hidden) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.slices[%d] is %lld; expected desc.norm.hidden (%lld), as of this rank", desc.rank,
                    ll{desc.slices[desc.rank]}, ll{desc.norm.hidden});
    }
    return NORMA_OK;
}

// What norma_plan_create does not refuse.
norma_status check_norm(const norma_plan_desc &norm) {
    if (norm.flags & statistics_flags) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.norm.flags is 0x%x; expected none of 0x%x, since the statistics are the sharded plan's",
                    norm.flags, statistics_flags);
    }
    if (norm.kernel) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.norm.kernel is \"%s\"; expected null, since there are several",
                    norm.kernel);
    }
    return NORMA_OK;
}

// What the kernel that merges on a device does not do.
norma_status check_on_device(const norma_sharded_desc &desc) {
    if (desc.kind != NORMA_ALL_GATHER) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.kind is %d; expected NORMA_ALL_GATHER (%d) on CUDA",
                    static_cast<int>(desc.kind), NORMA_ALL_GATHER);
    }
    for (int32_t rank = 0; desc.slices && rank < desc.ranks; rank++) {
        if (desc.slices[rank] != desc.norm.hidden) {
            return fail(NORMA_INVALID_ARGUMENT, "desc.slices[%d] is %lld; expected %lld, as of every rank on CUDA",
                        rank, ll{desc.slices[rank]}, ll{desc.norm.hidden});
        }
    }
    return NORMA_OK;
}

norma_status create_partial(const norma_plan_desc &norm, int64_t hidden, norma_plan **plan) {
    norma_plan_desc desc = norm;
    desc.hidden = hidden;
    desc.bias = NORMA_NONE;
    desc.flags = NORMA_PARTIAL_STATISTICS;
    if (is_backward(norm.op)) {
        desc.residual = NORMA_NONE;
    } else {
        desc.y = desc.x;
        desc.y_float = desc.weight = NORMA_NONE;
        desc.scale = NORMA_SCALE_NONE;
        desc.contract = NORMA_FP32_ONCE;
    }
    return hidden > 0 ? norma_plan_create(&desc, plan) : NORMA_OK;
}

norma_status create_plans(const norma_sharded_desc &desc, norma_sharded_plan &plan) {
    norma_plan_desc merged = desc.norm;
    merged.flags |= NORMA_MERGED_STATISTICS;
    norma_status status = norma_plan_create(&merged, &plan.merged_plan);
    const int64_t whole = desc.norm.hidden / plan.chunk * plan.chunk;
    status = status ? status : create_partial(desc.norm, whole > 0 ? plan.chunk : 0, &plan.chunk_plan);
    return status ? status : create_partial(desc.norm, desc.norm.hidden - whole, &plan.rest_plan);
}

norma_status create(const norma_sharded_desc &desc, norma_sharded_plan &plan) {
    plan.slices = static_cast<int64_t *>(calloc(static_cast<size_t>(desc.ranks), sizeof *plan.slices));
    if (!plan.slices) {
        return fail(NORMA_OUT_OF_MEMORY, "no memory for a plan");
    }
    plan.rank = desc.rank;
    plan.ranks = desc.ranks;
    plan.chunk = desc.chunk ? desc.chunk : default_chunk;
    plan.block = desc.block;
    plan.kind = desc.kind;
    const norma_status status = create_plans(desc, plan);
    if (status != NORMA_OK) {
        return status;
    }
    for (int32_t rank = 0; rank < desc.ranks; rank++) {
        plan.slices[rank] = desc.slices ? desc.slices[rank] : desc.norm.hidden;
        plan.hidden += plan.slices[rank];
        const int64_t chunks = chunks_of(plan, rank);
        plan.most_chunks = chunks > plan.most_chunks ? chunks : plan.most_chunks;
    }
    plan.merged_plan->row_elements = plan.hidden;
    const OpInfo &op = info_of(desc.norm.op);
    plan.moments = op.has_mean ? 2 : 1;
    plan.centred = op.has_mean && !op.backward;
    if (plan.merged_plan->device->host_memory) {
        return NORMA_OK;
    }
    const norma_status possible = check_on_device(desc);
    return possible ? possible : plan.merged_plan->device->merge(merge_of(plan, 0, 0, nullptr, nullptr, nullptr));
}

}  // namespace

Merge merge_of(const norma_sharded_plan &plan, int64_t rows, int64_t count, double *gathered, double *merged,
               void *stream) {
    const int64_t chunks = plan.most_chunks, second = plan.moments - 1;
    return {plan.merged_plan,
            stream,
            rows,
            plan.ranks,
            chunks,
            plan.slices[0],
            plan.chunk,
            count,
            plan.centred,
            gathered,
            gathered + second * rows * chunks,
            merged,
            merged + second * rows};
}

bool lay_out(const norma_sharded_plan &plan, int64_t rows, int32_t threads, ShardedWorkspace *layout) {
    int64_t of_kernels = 0;
    const norma_plan *const plans[] = {plan.chunk_plan, plan.rest_plan, plan.merged_plan};
    for (const norma_plan *used : plans) {
        size_t bytes = 0;
        int64_t rows_of_run = rows;
        if (used == plan.chunk_plan && __builtin_mul_overflow(rows, whole_chunks(plan), &rows_of_run)) {
            return false;
        }
        if (used && norma_plan_workspace_size(used, rows_of_run, threads, &bytes) == NORMA_OK) {
            of_kernels = static_cast<int64_t>(bytes) > of_kernels ? static_cast<int64_t>(bytes) : of_kernels;
        }
    }
    const bool gather = plan.kind == NORMA_ALL_GATHER;
    int64_t of_rows = 0, of_chunks = 0, received = 0, total = 0;
    bool overflow = __builtin_mul_overflow(rows, int64_t{plan.moments}, &of_rows);
    overflow |= __builtin_mul_overflow(of_rows, plan.most_chunks, &of_chunks);
    if (overflow || of_chunks > INT64_MAX / 64) {
        return false;
    }
    layout->count = sent_before(plan) + (gather ? of_chunks : of_rows);
    overflow |= __builtin_mul_overflow(layout->count, int64_t{gather ? plan.ranks : 1}, &received);
    layout->send = 0;
    layout->partials = gather ? sent_before(plan) : layout->count;
    layout->receive = layout->partials + of_chunks;
    overflow |= __builtin_add_overflow(layout->receive, received, &layout->merged);
    overflow |= __builtin_add_overflow(layout->merged, of_rows, &total);
    layout->kernels = (total + 7) / 8 * 8;
    overflow |= __builtin_mul_overflow(layout->kernels, int64_t{sizeof(double)}, &total);
    overflow |= __builtin_add_overflow(total, of_kernels, &total);
    layout->bytes = static_cast<size_t>(total);
    return !overflow;
}

}  // namespace norma

norma_status norma_sharded_plan_create(const norma_sharded_desc *desc, norma_sharded_plan **plan) {
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null; expected where to put the plan");
    }
    *plan = nullptr;
    if (!desc) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "desc is null");
    }
    if (desc->size < sizeof(norma_sharded_desc)) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "desc.size is %zu; expected sizeof(norma_sharded_desc) (%zu)",
                           desc->size, sizeof(norma_sharded_desc));
    }
    norma_status status = norma::check_ranks(*desc);
    status = status ? status : norma::check_norm(desc->norm);
    if (status != NORMA_OK) {
        return status;
    }
    norma_sharded_plan *made = static_cast<norma_sharded_plan *>(calloc(1, sizeof(norma_sharded_plan)));
    status = made ? norma::create(*desc, *made) : norma::fail(NORMA_OUT_OF_MEMORY, "no memory for a plan");
    if (status != NORMA_OK) {
        norma_sharded_plan_destroy(made);
        return status;
    }
    *plan = made;
    return NORMA_OK;
}

void norma_sharded_plan_destroy(norma_sharded_plan *plan) {
    if (plan) {
        norma_plan_destroy(plan->chunk_plan);
        norma_plan_destroy(plan->rest_plan);
        norma_plan_destroy(plan->merged_plan);
        free(plan->slices);
        free(plan);
    }
}

norma_status norma_sharded_workspace_size(const norma_sharded_plan *plan, int64_t rows, int32_t threads,
                                          size_t *bytes) {
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    if (!bytes) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "bytes is null; expected where to put the size");
    }
    const norma_status status = norma_plan_workspace_size(plan->merged_plan, rows, threads, bytes);
    norma::ShardedWorkspace layout;
    if (status == NORMA_OK && !norma::lay_out(*plan, rows, threads, &layout)) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "rows is %lld; expected no more than fit the address space",
                           static_cast<long long>(rows));
    }
    *bytes = status ? *bytes : layout.bytes;
    return status;
}
