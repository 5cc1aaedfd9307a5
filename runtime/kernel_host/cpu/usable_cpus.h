// SPDX-License-Identifier: MIT
// What of the machine this process may use.
#pragma once

#include <stdint.h>

namespace norma {

// As its affinity and its quota say; at least 1.
int32_t usable_cpus();

// CPU time that control groups leave a process, as containers set it, in whole CPUs, rounded up: the least quota of the
// process's group and of those above it, of cgroup v2 and v1. 0 where there is none. `root` stands before /proc and
// /sys; "" outside of tests.
int32_t cpus_of_quota(const char *root);

}  // namespace norma
