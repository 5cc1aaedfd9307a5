// SPDX-License-Identifier: MIT
#include "cuda_device.h"

#include "cuda_merge.h"
#include "cuda_run.h"
#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/kernel_host/cuda/modules.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

int32_t count() { return cuda_devices().count; }

norma_status check_there(int32_t id) {
    const char *why = nullptr;
    if (!cuda_driver(&why)) {
        return fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; %s", id, why);
    }
    return id < count()
               ? NORMA_OK
               : fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; expected 0 to %d, as the driver has", id, count() - 1);
}

// The capability of a target of CUDA is a compute capability.
bool runs(const Target &target, int32_t id) {
    const CudaDevices &devices = cuda_devices();
    return id < devices.count && target.capability <= devices.at[id].sm;
}

int64_t workspace_per_worker(const Kernel &, int64_t) { return 0; }

}  // namespace

const Device cuda_device = {NORMA_CUDA,
                            "NORMA_CUDA",
                            "device",
                            "the best that this device runs",
                            false,
                            count,
                            check_cuda_id,
                            check_there,
                            runs,
                            workspace_per_worker,
                            cuda_workspace_size,
                            preload_modules,
                            run_on_cuda,
                            choose_by_alignment,
                            renew_module_lock,
                            nullptr,
                            merge_on_cuda,
                            fill_nan_on_cuda};

}  // namespace norma
