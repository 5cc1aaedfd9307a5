// SPDX-License-Identifier: MIT
// A variant in words.
#pragma once

#include "registry.h"
#include "text.h"

namespace norma {

// The manifest line that would add a kernel for the variant on the device, by the narrowest class that has its hidden
// size: {"device": "cuda", "op": "rms_norm_forward", "x": "bf16", "hidden": "64n"}.
// What has its default value is left out.
void add_manifest_line(Text &text, const Variant &wanted, norma_device_type device);

// Why the kernel does not compute what is wanted, which has an exact hidden size. False, and nothing added, when it
// does.
bool add_mismatch(Text &text, const Kernel &kernel, const Variant &wanted);

}  // namespace norma
