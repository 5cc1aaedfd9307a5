// SPDX-License-Identifier: MIT
#pragma once

#include "bench/device/device.h"

namespace norma::bench {

extern const DeviceKind cpu_kind;

}  // namespace norma::bench
