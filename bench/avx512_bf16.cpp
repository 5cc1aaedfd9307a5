// SPDX-License-Identifier: MIT
// Compiled with the options of the instruction set (CMakeLists.txt): call nothing here before loops.cpp has asked the
// CPU.
#include "avx512_lanes.h"

namespace norma::bench {

const Loops avx512_bf16_loops = {"avx512", true, copy_loop, norm_loop, backward_loop};

}  // namespace norma::bench
