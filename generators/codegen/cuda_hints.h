// SPDX-License-Identifier: MIT
// Cache hints of a CUDA kernel whose rows are read once, in its PTX: they leave the first-level cache to the weights,
// which every block reads.
#pragma once

#include <string>

namespace norma {

// Loads whose address depends on the block get .L1::no_allocate, which PTX has since 7.4 (CUDA 11.4). Throws
// std::logic_error where there is none.
std::string keep_rows_out_of_l1(const std::string &ptx);

}  // namespace norma
