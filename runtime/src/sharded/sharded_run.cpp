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

// Chunks of a row that lie side by side, `elements` each: a dimension more where there are several.
struct Chunks {
    int64_t first, count, elements;
};

norma_tensor part_of(norma_tensor tensor, const Chunks &chunks, int64_t chunk) {
    if (!tensor.data) {
        return tensor;
    }
    tensor.data = static_cast<char *>(tensor.data) + chunks.first * chunk * dtype_size(tensor.dtype);
    if (chunks.count > 1) {
        tensor.shape[tensor.rank - 1] = chunks.count;
        tensor.strides[tensor.rank - 1] = chunks.elements;
        tensor.strides[tensor.rank++] = 1;
    }
    tensor.shape[tensor.rank - 1] = chunks.elements;
    return tensor;
}

// One number for each row of x, every `stride`th of `data`; or the first `chunks` of each.
norma_tensor moment_of(const ShardedRun &run, double *data, int64_t stride, int64_t chunks) {
    const norma_tensor &x = run.arguments.x;
    norma_tensor moment = {data, NORMA_F64, x.device, x.rank - 1, {}, {}};
    for (int32_t d = x.rank - 2; d >= 0; d--) {
        moment.shape[d] = x.shape[d];
        moment.strides[d] = stride;
        stride *= x.shape[d];
    }
    if (chunks > 1) {
        moment.shape[moment.rank] = chunks;
        moment.strides[moment.rank++] = 1;
    }
    return moment;
}

// `moments` are by moment and row, with `stride` between rows.
void give_moments(const ShardedRun &run, double *moments, int64_t stride, int64_t chunks, norma_arguments *arguments) {
    double *const second = moments + (run.plan.moments - 1) * run.rows * stride;
    arguments->second_moment = moment_of(run, second, stride, chunks);
    if (run.plan.moments == 2) {
        arguments->first_moment = moment_of(run, moments, stride, chunks);
    }
}

// The caller's arguments are those of the whole slice, and have been checked.
norma_status find_partials_of(const ShardedRun &run, const Chunks &chunks) {
    const norma_sharded_plan &plan = run.plan;
    const norma_arguments &whole = run.arguments;
    norma_arguments part = {};
    part.size = sizeof part;
    part.x = part_of(whole.x, chunks, plan.chunk);
    if (is_backward(plan.merged_plan->variant)) {
        part.weight_offset = whole.weight_offset;
        part.weight = part_of(whole.weight, chunks, plan.chunk);
        part.dy = part_of(whole.dy, chunks, plan.chunk);
        part.mean = whole.mean;
        part.rstd = whole.rstd;
    } else {
        part.residual = part_of(whole.residual, chunks, plan.chunk);
    }
    give_moments(run, run.workspace + run.layout.partials + chunks.first, plan.most_chunks, chunks.count, &part);
    const norma_plan *const of_chunk = chunks.elements == plan.chunk ? plan.chunk_plan : plan.rest_plan;
    return norma_plan_run(of_chunk, &part, &run.execution);
}

// Whether the chunks of all rows are as one run's rows. A device launches a kernel for each row that does not follow
// the one before.
bool chunks_are_rows(const ShardedRun &run) {
    const norma_tensor &x = run.arguments.x;
    const int64_t slice = run.plan.slices[run.plan.rank];
    const bool one_after_the_other = x.rank < 2 || (x.strides[x.rank - 2] == slice && slice % run.plan.chunk == 0);
    return !is_backward(run.plan.merged_plan->variant) && x.rank < NORMA_MAX_RANK &&
           (run.plan.merged_plan->device->host_memory || one_after_the_other);
}

norma_status find_partials(const ShardedRun &run) {
    const norma_sharded_plan &plan = run.plan;
    const int64_t whole = whole_chunks(plan), rest = plan.slices[plan.rank] - whole * plan.chunk;
    const int64_t together = chunks_are_rows(run) ? whole : 1;
    norma_status status = NORMA_OK;
    for (int64_t first = 0; first < whole && status == NORMA_OK; first += together) {
        status = find_partials_of(run, {first, together, plan.chunk});
    }
    return status || rest == 0 ? status : find_partials_of(run, {whole, 1, rest});
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
    const FloatEnvironment standard;  // others may have sent anything
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

// `own` is this rank's status so far, which is sent in front of the statistics.
void prepare_to_send(const ShardedRun &run, norma_status own) {
    const norma_sharded_plan &plan = run.plan;
    const bool gather = plan.kind == NORMA_ALL_GATHER;
    double *const send = run.workspace + run.layout.send;
    if (own != NORMA_OK) {
        memset(send, 0, static_cast<size_t>(run.layout.count) * sizeof *send);
    } else if (!gather) {
        const FloatEnvironment standard;
        add_up_chunks(plan, run.rows, run.workspace + run.layout.partials, send + sent_before(plan));
    }
    send[sent_failed] = gather ? static_cast<int>(own) : static_cast<int>(own != NORMA_OK);
    send[sent_call] = call_of(run);
}

// Keeps `own`, which the others hear of: in memory of a device, where a run does not wait to look, by NaN.
norma_status exchange_partials(const ShardedRun &run, norma_exchange exchange, void *communicator, norma_status own) {
    const norma_sharded_plan &plan = run.plan;
    const Device &device = *plan.merged_plan->device;
    double *const send = run.workspace + run.layout.send, *const receive = run.workspace + run.layout.receive;
    if (device.host_memory) {
        prepare_to_send(run, own);
    } else if (own != NORMA_OK) {
        device.fill_nan(*plan.merged_plan, run.execution.cuda_stream, send, run.layout.count);
    }
    int error = 0;
    if (exchange) {
        const norma_exchange_request request = {plan.kind, NORMA_F64, run.layout.count, send,
                                                receive,   plan.rank, plan.ranks,       run.execution.cuda_stream};
        error = exchange(communicator, &request);
    }
    if (own != NORMA_OK) {
        return own;
    }
    if (error != 0) {
        return fail(NORMA_EXCHANGE_FAILED, "exchange returned %d; expected 0", error);
    }
    return device.host_memory ? check_ranks(run, exchange ? receive : send) : NORMA_OK;
}

norma_status merge(const ShardedRun &run, double *received, double *merged) {
    const norma_sharded_plan &plan = run.plan;
    if (!plan.merged_plan->device->host_memory) {
        return plan.merged_plan->device->merge(
            merge_of(plan, run.rows, run.layout.count, received, merged, run.execution.cuda_stream));
    }
    const FloatEnvironment standard;
    if (plan.kind == NORMA_ALL_GATHER) {
        merge_gathered(plan, run.rows, received, run.layout.count, merged);
    } else {
        merge_reduced(plan, run.rows, received + sent_before(plan), merged);
    }
    return NORMA_OK;
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

// `own` is what this rank was refused for.
norma_status run_block(const ShardedRun &run, norma_exchange exchange, void *communicator, norma_status own) {
    const norma_sharded_plan &plan = run.plan;
    double *const merged = run.workspace + run.layout.merged;
    norma_arguments arguments = run.arguments;
    give_moments(run, merged, 1, 1, &arguments);
    norma_call call;
    norma_status status = own ? own : bind(plan.merged_plan, &arguments, &run.execution, &call);
    status = status ? status : check_given_scale(*plan.merged_plan, call.run.work);
    if (plan.kind == NORMA_ALL_GATHER && chunks_of(plan, plan.rank) < plan.most_chunks) {
        memset(run.workspace + run.layout.send, 0, static_cast<size_t>(run.layout.count) * sizeof(double));
    }
    status = status ? status : find_partials(run);
    status = exchange_partials(run, exchange, communicator, status);
    double *const received = run.workspace + (exchange ? run.layout.receive : run.layout.send);
    status = status ? status : merge(run, received, merged);
    return status ? status : run_first_rows(call, run.rows);
}

// Of all rows, whatever they are divided into; runs those of a run without rows.
norma_status check_all(const ShardedRun &run) {
    norma_arguments arguments = run.arguments;
    give_moments(run, run.workspace + run.layout.merged, 1, 1, &arguments);
    norma_call call;
    const norma_status status = bind(run.plan.merged_plan, &arguments, &run.execution, &call);
    return status || run.rows > 0 ? status : run_first_rows(call, 0);
}

norma_arguments rows_of(const norma_plan &plan, norma_arguments arguments, int32_t dimension, int64_t first,
                        int64_t count) {
    for (const int i : plan.present) {
        norma_tensor &tensor = tensor_of(arguments, i);
        if (plan.kinds[i] != TensorKind::vector && dimension < tensor.rank) {  // not of one number for all rows
            tensor.data = static_cast<char *>(tensor.data) + first * tensor.strides[dimension] * plan.sizes[i];
            tensor.shape[dimension] = count;
        }
    }
    return arguments;
}

// Takes part in the first exchange whatever is refused.
norma_status run_blocks(const ShardedRun &run, norma_exchange exchange, void *communicator, norma_status own) {
    const norma_tensor &x = run.arguments.x;
    int32_t outermost = 0;
    while (outermost < x.rank - 2 && x.shape[outermost] == 1) {
        outermost++;
    }
    const int64_t extent = x.shape[outermost], inner = run.rows / extent;
    const int64_t step = run.plan.block > inner ? run.plan.block / inner : 1;
    norma_status status = NORMA_OK;
    for (int64_t first = 0; first < extent && status == NORMA_OK; first += step) {
        const int64_t count = step < extent - first ? step : extent - first;
        const norma_arguments arguments = rows_of(*run.plan.merged_plan, run.arguments, outermost, first, count);
        ShardedRun block = {run.plan, arguments, run.execution, count * inner, {}, run.workspace};
        lay_out(run.plan, block.rows, run.execution.threads, &block.layout);  // less than that of all rows
        status = run_block(block, exchange, communicator, own);
    }
    return status;
}

norma_status run_rows(const ShardedRun &run, norma_exchange exchange, void *communicator) {
    const int64_t block = run.plan.block;
    norma_status status = check_moments(run.arguments);
    if (run.rows == 0) {
        return status ? status : check_all(run);
    }
    if (block == 0 || block >= run.rows) {
        return run_block(run, exchange, communicator, status);
    }
    status = status ? status : check_all(run);
    return run_blocks(run, exchange, communicator, status);
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
    if (!plan->merged_plan->device->host_memory && layout->count > INT32_MAX / plan->ranks) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "x has %lld rows; expected fewer, whose statistics are 2^31 numbers at most", ll{*rows});
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
    const norma::ShardedRun run = {*plan, *arguments, of_kernels, rows, layout, workspace};
    return norma::run_rows(run, exchange, communicator);
}
