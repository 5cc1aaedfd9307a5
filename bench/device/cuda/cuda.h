// SPDX-License-Identifier: MIT
#pragma once

#include "bench/device/device.h"

namespace norma::bench {

extern const DeviceKind cuda_kind;

}  // namespace norma::bench
