// SPDX-License-Identifier: MIT
// Files of /proc and /sys, without allocating.
#pragma once

#include <stddef.h>

namespace norma {

inline constexpr size_t small_file_path = 4096 + 256;  // the longest that is read, and its end

// The beginning of a small file. Empty where it cannot be read.
void read_small_file(const char *folder, const char *name, char *text, size_t size);

}  // namespace norma
