// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/src/device/device.h"

namespace norma {

extern const Device cuda_device;

}  // namespace norma
