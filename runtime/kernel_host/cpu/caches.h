// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace norma {

// Bytes of the caches that a core sees; 0 where there is none or it is unknown.
struct Caches {
    int64_t l2 = 0, l3 = 0, l1d = 0;
};

// As the kernel tells below root/sys; else as the C library asks the CPU, for "" as the root alone.
Caches read_caches(const char *root);

// Of this machine, read at first use. By any threads at once.
Caches machine_caches();

}  // namespace norma
