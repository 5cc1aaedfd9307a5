// SPDX-License-Identifier: MIT
#include "lanes_sse2.h"

#include "copy_loops.h"

namespace norma::bench {

const Loops sse2_loops = {"sse2", copy_loop, nullptr, nullptr};

}  // namespace norma::bench
