// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/src/core/errors.h"
#include "runtime/src/device/device.h"

namespace norma {

extern const Device cuda_device;

inline norma_status check_cuda_id(int32_t id) {
    return id >= 0 ? NORMA_OK : fail(NORMA_INVALID_ARGUMENT, "desc.device.id is %d; expected 0 or more", id);
}

}  // namespace norma
