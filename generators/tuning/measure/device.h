// SPDX-License-Identifier: MIT
#pragma once

#include "bench/device/device.h"

namespace norma {

// What records tell the first device of the kind apart by, asked by another process: one that has used CUDA must not
// fork. Throws InputError that says what is missing.
nlohmann::json describe_first(const bench::DeviceKind &kind);

}  // namespace norma
