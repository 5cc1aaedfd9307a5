// SPDX-License-Identifier: MIT
// A sharded run. Everything that can be refused is, before the exchange; a rank that is refused or fails by then takes
// part in the exchange all the same, to say so: the others would wait for it.
#include <string.h>

#include "merge.h"
#include "runtime/src/core/bound_call.h"
#include "runtime/src/core/errors.h"
#include "runtime/src/device/cpu/float_environment.h"

namespace norma {
namespace {

using ll = long long;

struct ShardedRun {
    const norma_sharded_plan &plan;
    const norma_arguments &arguments;
    norma_execution execution;  // of the kernels: with their part of the workspace
    int64_t rows;
    ShardedWorkspace layout;
    double *workspace;
};

norma_tensor part_of(norma_tensor tensor, int64_t first, int64_t count, int32_t bytes) {
    if (tensor.data) {
        tensor.data = static_cast<char *>(tensor.data) + first * bytes;
        tensor.shape[tensor.rank - 1] = count;
    }
    return tensor;
}

// One number for each row of x, every `stride`th of `data`.
norma_tensor moment_of(const norma_tensor &x, double *data, int64_t stride) {
    norma_tensor moment = {data, NORMA_F64, {NORMA_CPU, 0}, x.rank - 1, {}, {}};
    for (int32_t d = x.rank - 2; d >= 0; d--) {
        moment.shape[d] = x.shape[d];
        moment.strides[d] = stride;
        stride *= x.shape[d];
    }
    return moment;
}

// `moments` are by moment and row, with `stride` between rows.
void give_moments(const ShardedRun &run, double *moments, int64_t stride, norma_arguments *arguments) {
    const norma_tensor &x = run.arguments.x;
    double *const second = moments + (run.plan.moments - 1) * run.rows * stride;
    arguments->second_moment = moment_of(x, second, stride);
    if (run.plan.moments == 2) {
        arguments->first_moment = moment_of(x, moments, stride);
    }
}

// The caller's arguments are those of the whole slice, and have been checked.
norma_status find_partials(const ShardedRun &run) {
    const norma_sharded_plan &plan = run.plan;
    const norma_arguments &whole = run.arguments;
    const bool backward = is_backward(plan.merged_plan->variant);
    double *const partials = run.workspace + run.layout.partials;
    norma_status status = NORMA_OK;
    for (int64_t i = 0; i < chunks_of(plan, plan.rank) && status == NORMA_OK; i++) {
        const int64_t first = i * plan.chunk, count = chunk_size(plan, plan.rank, i);
        norma_arguments part = {};
        part.size = sizeof part;
        part.x = part_of(whole.x, first, count, dtype_size(whole.x.dtype));
        if (backward) {
            part.weight_offset = whole.weight_offset;
            part.weight = part_of(whole.weight, first, count, dtype_size(whole.weight.dtype));
            part.dy = part_of(whole.dy, first, count, dtype_size(whole.dy.dtype));
            part.mean = whole.mean;
            part.rstd = whole.rstd;
        }
        give_moments(run, partials + i, plan.most_chunks, &part);
        status = norma_plan_run(count == plan.chunk ? plan.chunk_plan : plan.rest_plan, &part, &run.execution);
    }
    return status;
}

// What the ranks' runs must have in common, in so few bits that sums of it are exact.
double call_of(const ShardedRun &run) {
    const norma_plan_desc &desc = run.plan.merged_plan->desc;
    uint32_t eps = 0;
    memcpy(&eps, &run.arguments.eps, sizeof eps);
    uint64_t hash = 0;
    const uint64_t parts[] = {static_cast<uint64_t>(desc.op),        static_cast<uint64_t>(desc.contract),
                              static_cast<uint64_t>(run.rows),       static_cast<uint64_t>(run.plan.hidden),
                              static_cast<uint64_t>(run.plan.chunk), uint64_t{eps}};
    for (const uint64_t part : parts) {
        hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return static_cast<double>(hash >> 40);
}

norma_status check_ranks(const ShardedRun &run, const double *received) {
    const norma_sharded_plan &plan = run.plan;
    const double call = run.workspace[run.layout.send + sent_call];
    if (plan.kind == NORMA_ALL_REDUCE) {
        if (received[sent_failed] != 0) {
            return fail(NORMA_EXCHANGE_FAILED, "%g of %d ranks failed before the exchange", received[sent_failed],
                        plan.ranks);
        }
        return received[sent_call] == plan.ranks * call
                   ? NORMA_OK
                   : fail(
                         NORMA_EXCHANGE_FAILED,
                         "ranks run different calls; expected the same op, contract, rows, hidden size, chunk and eps");
    }
    for (int32_t rank = 0; rank < plan.ranks; rank++) {
        const double *sent = received + rank * run.layout.count;
        if (sent[sent_failed] != 0) {
            return fail(NORMA_EXCHANGE_FAILED, "rank %d failed before the exchange: %s", rank,
                        norma_status_string(static_cast<norma_status>(static_cast<int>(sent[sent_failed]))));
        }
        if (sent[sent_call] != call) {
            return fail(NORMA_EXCHANGE_FAILED,
                        "rank %d runs another call than rank %d; expected the same op, contract, rows, hidden size, "
                        "chunk and eps",
                        rank, plan.rank);
        }
    }
    return NORMA_OK;
}

// `own` is this rank's status so far, which is kept.
norma_status exchange_partials(const ShardedRun &run, norma_exchange exchange, void *communicator, norma_status own) {
    const norma_sharded_plan &plan = run.plan;
    const bool gather = plan.kind == NORMA_ALL_GATHER;
    double *const send = run.workspace + run.layout.send, *const receive = run.workspace + run.layout.receive;
    if (own != NORMA_OK) {
        memset(send, 0, static_cast<size_t>(run.layout.count) * sizeof *send);
    } else if (!gather) {
        const FloatEnvironment standard;
        add_up_chunks(plan, run.rows, run.workspace + run.layout.partials, send + sent_first_count);
    }
    send[sent_failed] = gather ? static_cast<int>(own) : static_cast<int>(own != NORMA_OK);
    send[sent_call] = call_of(run);
    int error = 0;
    if (exchange) {
        const norma_exchange_request request = {plan.kind, NORMA_F64, run.layout.count, send,
                                                receive,   plan.rank, plan.ranks,       run.execution.cuda_stream};
        error = exchange(communicator, &request);
    } else {
        memcpy(receive, send, static_cast<size_t>(run.layout.count) * sizeof *send);
    }
    if (own != NORMA_OK) {
        return own;
    }
    return error ? fail(NORMA_EXCHANGE_FAILED, "exchange returned %d; expected 0", error) : check_ranks(run, receive);
}

void merge(const ShardedRun &run, double *merged) {
    const FloatEnvironment standard;
    const double *const received = run.workspace + run.layout.receive;
    if (run.plan.kind == NORMA_ALL_GATHER) {
        merge_gathered(run.plan, run.rows, received, run.layout.count, merged);
    } else {
        merge_reduced(run.plan, run.rows, received + sent_first_count, merged);
    }
}

norma_status check_moments(const norma_arguments &arguments) {
    const norma_tensor *const moments[] = {&arguments.first_moment, &arguments.second_moment};
    for (const norma_tensor *moment : moments) {
        if (moment->data || moment->dtype != NORMA_NONE) {
            return fail(NORMA_INVALID_ARGUMENT, "%s is given; expected all zero, since a sharded run finds it",
                        moment == moments[0] ? "first_moment" : "second_moment");
        }
    }
    return NORMA_OK;
}

norma_status run_rows(ShardedRun &run, norma_exchange exchange, void *communicator) {
    const norma_sharded_plan &plan = run.plan;
    double *const merged = run.workspace + run.layout.merged;
    norma_arguments arguments = run.arguments;
    give_moments(run, merged, 1, &arguments);
    norma_call call;
    norma_status status = check_moments(run.arguments);
    status = status ? status : bind(plan.merged_plan, &arguments, &run.execution, &call);
    if (run.rows == 0) {
        return status ? status : run_first_rows(call, 0);
    }
    if (plan.kind == NORMA_ALL_GATHER && chunks_of(plan, plan.rank) < plan.most_chunks) {
        memset(run.workspace + run.layout.send, 0, static_cast<size_t>(run.layout.count) * sizeof(double));
    }
    status = status ? status : find_partials(run);
    status = exchange_partials(run, exchange, communicator, status);
    if (status != NORMA_OK) {
        return status;
    }
    merge(run, merged);
    return run_first_rows(call, run.rows);
}

// What there is no exchange without.
norma_status check(const norma_sharded_plan *plan, const norma_arguments *arguments, const norma_execution &execution,
                   norma_exchange exchange, int64_t *rows, ShardedWorkspace *layout) {
    if (!plan) {
        return fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    if (!arguments) {
        return fail(NORMA_INVALID_ARGUMENT, "arguments is null");
    }
    if (arguments->size < sizeof(norma_arguments)) {
        return fail(NORMA_INVALID_ARGUMENT, "arguments.size is %zu; expected sizeof(norma_arguments) (%zu)",
                    arguments->size, sizeof(norma_arguments));
    }
    if (execution.size < sizeof(norma_execution)) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.size is %zu; expected sizeof(norma_execution) (%zu)",
                    execution.size, sizeof(norma_execution));
    }
    if (execution.threads < 0) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.threads is %d; expected 0 or more", execution.threads);
    }
    if (!exchange && plan->ranks > 1) {
        return fail(NORMA_INVALID_ARGUMENT, "exchange is null; expected a function, since there are %d ranks",
                    plan->ranks);
    }
    if (arguments->x.rank < 1 || arguments->x.rank > NORMA_MAX_RANK) {
        return fail(NORMA_INVALID_ARGUMENT, "x.rank is %d; expected 1 to 4", arguments->x.rank);
    }
    for (int32_t d = 0; d + 1 < arguments->x.rank; d++) {
        if (arguments->x.shape[d] < 0) {
            return fail(NORMA_INVALID_ARGUMENT, "x.shape[%d] is %lld; expected 0 or more", d,
                        ll{arguments->x.shape[d]});
        }
    }
    const norma_status status = count_rows(arguments->x, rows);
    if (status != NORMA_OK) {
        return status;
    }
    if (!lay_out(*plan, *rows, execution.threads, layout)) {
        return fail(NORMA_INVALID_ARGUMENT, "x has %lld rows; expected no more than fit the address space", ll{*rows});
    }
    if (!execution.workspace || execution.workspace_size < layout->bytes) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.workspace has %zu bytes; expected at least %zu",
                    execution.workspace ? execution.workspace_size : 0, layout->bytes);
    }
    if (reinterpret_cast<uintptr_t>(execution.workspace) % 64 != 0) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.workspace is %p; expected a multiple of 64",
                    execution.workspace);
    }
    return NORMA_OK;
}

}  // namespace
}  // namespace norma

norma_status norma_sharded_run(const norma_sharded_plan *plan, const norma_arguments *arguments,
                               const norma_execution *execution, norma_exchange exchange, void *communicator) {
    norma_execution of_kernels = execution ? *execution : norma::default_execution;
    norma::ShardedWorkspace layout;
    int64_t rows = 0;
    const norma_status status = norma::check(plan, arguments, of_kernels, exchange, &rows, &layout);
    if (status != NORMA_OK) {
        return status;
    }
    double *const workspace = static_cast<double *>(of_kernels.workspace);
    of_kernels.workspace = workspace + layout.kernels;
    of_kernels.workspace_size -= static_cast<size_t>(layout.kernels) * sizeof(double);
    norma::ShardedRun run = {*plan, *arguments, of_kernels, rows, layout, workspace};
    return norma::run_rows(run, exchange, communicator);
}
