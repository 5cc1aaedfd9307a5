// SPDX-License-Identifier: MIT
// A variant in words.
#pragma once

#include "registry.h"
#include "text.h"

namespace norma {

// The manifest line that would add a kernel for the desc: {"op": "rms_norm_forward", "x": "bf16", "hidden": "any"}.
// What has its default value is left out.
void add_manifest_line(Text &text, const norma_plan_desc &desc);

// Why the kernel does not compute what the desc asks for. False, and nothing added, when it does.
bool add_mismatch(Text &text, const Kernel &kernel, const norma_plan_desc &desc);

}  // namespace norma
