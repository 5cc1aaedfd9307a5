// SPDX-License-Identifier: MIT
#include "devices.h"

#include "cpu/cpu_device.h"
#include "cuda/cuda_device.h"

namespace norma {

const Device *const devices[] = {&cpu_device, &cuda_device};
const int32_t device_count = sizeof(devices) / sizeof(*devices);

}  // namespace norma
