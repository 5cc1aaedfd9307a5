// SPDX-License-Identifier: MIT
// Which targets this machine runs, and which of them plans use.
#pragma once

#include "runtime/src/device/device.h"

namespace norma {

// On any device of this machine.
bool can_run(const Target &target);

struct TargetChoice {
    int32_t index;
    const char *reason;
};

// `name`: the target of the desc, or null for NORMA_TARGET's where that is of the device's type, or else the best one.
// NO_DEVICE where there is no such device.
norma_status choose_target(const char *name, const Device &device, int32_t id, TargetChoice *choice);

}  // namespace norma
