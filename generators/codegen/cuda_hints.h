// SPDX-License-Identifier: MIT
// How a CUDA kernel's rows come from memory, in its PTX, where LLVM does not say.
#pragma once

#include <string>

namespace norma {

// What is loaded only to be stored in shared memory as it is becomes one asynchronous copy.
std::string copy_without_waiting(const std::string &ptx);

// Rows that are read once leave the first-level cache to the weights, which every block reads.
// Loads whose address depends on the block get .L1::no_allocate, which PTX has since 7.4 (CUDA 11.4). Throws
// std::logic_error where there is none.
std::string keep_rows_out_of_l1(const std::string &ptx);

}  // namespace norma
