// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/src/device/device.h"

namespace norma {

extern const Device cpu_device;

}  // namespace norma
