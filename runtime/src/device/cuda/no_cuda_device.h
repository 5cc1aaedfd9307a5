// SPDX-License-Identifier: MIT
// CUDA in a library without kernels for it: the registry has this in the place of cuda_device.cpp, so that nothing
// there is linked, nor what opens the driver.
#pragma once

#include "cuda_device.h"

namespace norma {

inline norma_status refuse_cuda(int32_t id) {
    return fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; this library has no kernels for CUDA", id);
}

inline int32_t no_cuda_devices() { return 0; }

// No plan is made for it, nor a target asked for.
inline constexpr Device no_cuda_device = {NORMA_CUDA,      "NORMA_CUDA",  "device",    "",      false,
                                          no_cuda_devices, check_cuda_id, refuse_cuda, nullptr, nullptr,
                                          nullptr,         nullptr,       nullptr};

}  // namespace norma
