// SPDX-License-Identifier: MIT
// The kinds of devices that a library runs kernels on: a new one is a folder here and a line in devices.cpp.
#pragma once

#include "device.h"

namespace norma {

extern const Device *const devices[];
extern const int32_t device_count;

}  // namespace norma
