// SPDX-License-Identifier: MIT
// A kind of device made up for tests: the host again, which has two of them.
#pragma once

#include "runtime/src/device/device.h"

namespace norma {

inline constexpr norma_device_type host2_type = static_cast<norma_device_type>(3);

extern const Device host2_device;

}  // namespace norma
