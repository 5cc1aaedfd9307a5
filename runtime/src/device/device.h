// SPDX-License-Identifier: MIT
// A kind of device, as the dispatcher sees it: all that differs between kinds is behind one of these tables, in a
// folder of its own.
#pragma once

#include "runtime/src/core/registry.h"
#include "runtime/src/core/work.h"

namespace norma {

class Text;

// The moments of whole rows, [row], from those of their chunks, [rank][row][chunk], of ranks with `slice` elements of a
// row each. In float64, on a device.
struct Merge {
    const norma_plan *plan;  // of the target whose kernel does it
    void *stream;
    int64_t rows, ranks, chunks, slice, chunk;
    int64_t rank_stride;
    bool centred;            // the second is a variance around the first
    double *first, *second;  // of rank 0; the same where there is but one
    double *merged_first, *merged_second;
};

struct Device {
    norma_device_type type;
    const char *constant;  // of `type`, in messages
    const char *noun;      // what messages call one of them: "this device"
    const char *best;      // why a target was chosen that nobody asked for
    bool host_memory;      // kernels take addresses of the host's memory, where norma_run may allocate a workspace

    int32_t (*count)();                       // devices of this machine; ids are 0 to count - 1
    norma_status (*check_id)(int32_t id);     // of a desc, before anything else is asked of the device
    norma_status (*check_there)(int32_t id);  // beside its targets
    bool (*runs)(const Target &target, int32_t id);

    int64_t (*workspace_per_worker)(const Kernel &kernel, int64_t hidden);
    int64_t (*workspace_size)(const norma_plan &plan, int64_t rows, int32_t threads);  // of runs of at most such

    // Of a plan that has just been made: what would otherwise cost its first run time or memory.
    norma_status (*prepare)(const norma_plan &plan);
    // The first rows of a call that has been checked, workspace included; also of no rows.
    norma_status (*run)(norma_call &call, int64_t rows);

    // Of the plan's kernels, that for these tensors; null after a refusal. Null: there is but one.
    const Kernel *(*choose_kernel)(const norma_plan &plan, const Work &work) = nullptr;

    // In the child of a fork: locks that threads of the parent may have held. Null: it has none.
    void (*renew_locks)() = nullptr;

    // Run-time choices of a kernel that this machine decides. Null: none.
    norma_status (*adapt)(RunTime *run_time) = nullptr;

    // Of sharded runs, where the host does not reach the memory: null where it does. Without rows, `merge` loads what
    // it needs; `fill_nan` is for `count` numbers.
    norma_status (*merge)(const Merge &merge) = nullptr;
    norma_status (*fill_nan)(const norma_plan &plan, void *stream, double *begin, int64_t count) = nullptr;
};

// Null for no kind that the library knows.
const Device *find_device(norma_device_type type);

// "NORMA_CPU or NORMA_CUDA"
void add_device_constants(Text &text);

}  // namespace norma
