// SPDX-License-Identifier: MIT
// Which targets this CPU runs, and which of them plans use.
#pragma once

#include "registry.h"

namespace norma {

bool can_run(const Target &target);

struct TargetChoice {
    int32_t index;
    const char *reason;
};

// `name`: the target of the desc, or null for NORMA_TARGET's, or else the best one.
norma_status choose_target(const char *name, TargetChoice *choice);

}  // namespace norma
