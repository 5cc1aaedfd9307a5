// SPDX-License-Identifier: MIT
#include "strips.h"

#include "runtime/kernel_host/integers.h"

namespace norma {

int64_t count_cuda_strips(int64_t rows, int64_t hidden) {
    constexpr int64_t busy = 128, elements = 1 << 20, many = 4096, least_rows = 8, most_rows = 128, most = 1 << 20;
    const int64_t in_flight = larger(busy, smaller(elements / hidden, many));
    const int64_t wanted = larger(in_flight, smaller(rows / most_rows, most));
    const int64_t count = smaller(rows / least_rows, wanted);
    return count > 0 ? count : 1;
}

}  // namespace norma
