// SPDX-License-Identifier: MIT
// CPU time that the kernel's control groups leave a process, as containers set it.
#pragma once

#include <stdint.h>

namespace norma {

// Whole CPUs, rounded up: the least quota of the process's group and of those above it, of cgroup v2 and v1. 0 where
// there is none. `root` stands before /proc and /sys; "" outside of tests.
int32_t cpus_of_quota(const char *root);

}  // namespace norma
