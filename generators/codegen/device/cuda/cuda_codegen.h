// SPDX-License-Identifier: MIT
#pragma once

#include "generators/codegen/device/device.h"

namespace norma {

extern const DeviceCodegen cuda_codegen;

}  // namespace norma
