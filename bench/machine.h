// SPDX-License-Identifier: MIT
// What a reader of numbers needs to know of the machine.
#pragma once

#include <cstdint>
#include <string>

namespace norma::bench {

struct Machine {
    std::string cpu;
    int cores = 0;  // that this process may use
    int64_t l1d = 0, l2 = 0,
            l3 = 0;  // bytes of the cache that the first core sees; 0 where there is none or it is unknown
    int64_t memory = 0;
    std::string os;
    std::string compiler;
    std::string loops;  // instruction set of the copies and yardsticks
};

Machine this_machine();

}  // namespace norma::bench
