// SPDX-License-Identifier: MIT
#include "cpu_device.h"

#include "cpu_run.h"
#include "features.h"
#include "runtime/kernel_host/cpu/scratch.h"
#include "runtime/kernel_host/cpu/streaming_choice.h"
#include "runtime/src/core/calibration.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

int32_t count() { return 1; }

norma_status check_id(int32_t id) {
    return id == 0 ? NORMA_OK : fail(NORMA_INVALID_ARGUMENT, "desc.device.id is %d; expected 0 for the CPU", id);
}

norma_status check_there(int32_t) { return NORMA_OK; }

bool runs(const Target &target, int32_t) { return cpu_has_features(target.features); }

int64_t workspace_per_worker(const Kernel &kernel, int64_t hidden) {
    return kernel.workspace_per_element == unknown_workspace ? 0 : stack_size(hidden * kernel.workspace_per_element);
}

norma_status prepare(const norma_plan &) { return NORMA_OK; }

norma_status adapt(RunTime *run_time) {
    const norma_status status = calibrate(run_time);
    *run_time = with_caches(*run_time, machine_caches());
    return status;
}

}  // namespace

const Device cpu_device = {NORMA_CPU,
                           "NORMA_CPU",
                           "CPU",
                           "the best that this CPU runs",
                           true,
                           count,
                           check_id,
                           check_there,
                           runs,
                           workspace_per_worker,
                           cpu_workspace_size,
                           prepare,
                           run_on_cpu,
                           nullptr,
                           nullptr,
                           adapt};

}  // namespace norma
