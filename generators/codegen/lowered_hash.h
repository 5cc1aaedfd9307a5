// SPDX-License-Identifier: MIT
// What a kernel is compiled from, as a hash: equal for two kernels where LLVM and ptxas are given the same code, but
// for the names that it gives to its own variables. Records of tuning and the cache of objects hold for these.
#pragma once

#include <string>

#include "emit_object.h"

namespace norma {

// Of the code in canonical form, what the kernel promises its caller, Halide, the target and the CUDA toolkit.
std::string lowered_hash(const LoweredKernel &kernel);

// Bytes that are equal for two kernels exactly where functions, arguments, buffers and PTX are. Names that the code
// declares (lets, loops, allocations, produced buffers, arguments, PTX's entries) stand as the order of their first
// appearance, comments of PTX are left out, all else is exact. Throws std::logic_error for nodes that it does not know.
std::string canonical_form(const LoweredKernel &kernel);

std::string halide_version();

}  // namespace norma
