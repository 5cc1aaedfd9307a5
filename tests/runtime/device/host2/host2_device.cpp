// SPDX-License-Identifier: MIT
#include "host2_device.h"

#include "runtime/src/core/errors.h"
#include "runtime/src/core/kernel_call.h"

namespace norma {
namespace {

constexpr int32_t devices_there = 2;

int32_t count() { return devices_there; }

norma_status check_id(int32_t id) {
    return id >= 0 ? NORMA_OK : fail(NORMA_INVALID_ARGUMENT, "desc.device.id is %d; expected 0 or more", id);
}

norma_status check_there(int32_t id) {
    return id < devices_there ? NORMA_OK
                              : fail(NORMA_NO_DEVICE, "desc.device is host2 %d; expected 0 or 1, as there are", id);
}

// The second is the more capable one.
bool runs(const Target &target, int32_t id) { return target.capability <= id; }

int64_t workspace_per_worker(const Kernel &, int64_t) { return 0; }
int64_t workspace_size(const norma_plan &, int64_t, int32_t) { return 0; }
norma_status prepare(const norma_plan &) { return NORMA_OK; }

norma_status run(const norma_plan &plan, const norma_arguments &arguments, const norma_execution &, const Work &work) {
    const Run run{plan, *plan.kernel, arguments, work, StoreMode::ordinary, rows_per_slice(plan, work)};
    KernelCall call(run, nullptr, 0);
    return call.run(0, work.rows) == 0 ? NORMA_OK : fail(NORMA_INTERNAL, "host2: %s", call.message());
}

}  // namespace

const Device host2_device = {host2_type,
                             "NORMA_HOST2",
                             "second host",
                             "the best that this second host runs",
                             true,
                             count,
                             check_id,
                             check_there,
                             runs,
                             workspace_per_worker,
                             workspace_size,
                             prepare,
                             run};

}  // namespace norma
