// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/kernel_host/cpu/streaming_choice.h"

namespace norma {

// As the kernel tells below root/sys; else as the C library asks the CPU, for "" as the root alone.
Caches read_caches(const char *root);

// Of this machine, read at first use. By any threads at once.
Caches machine_caches();

}  // namespace norma
