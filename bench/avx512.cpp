// SPDX-License-Identifier: MIT
// Compiled with the options of its instruction set (CMakeLists.txt): call nothing here before isa.cpp has asked the CPU.
#include "lanes_avx512.h"

#include "copy_loops.h"
#include "yardstick_loops.h"

namespace norma::bench {

const Loops avx512_loops = {"avx512", copy_loop, norm_loop<RmsNorm>, norm_loop<LayerNorm>};

}  // namespace norma::bench
