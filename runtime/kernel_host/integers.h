// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace norma {

// Of numbers that are not negative; nothing overflows that the result does not.
constexpr int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }
constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace norma
