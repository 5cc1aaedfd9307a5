// SPDX-License-Identifier: MIT
#include "strips.h"

#include "runtime/kernel_host/integers.h"

namespace norma {

int64_t most_strips_of(int64_t rows, int64_t hidden) {
    const int64_t enough = most_strips * least_elements_per_strip;
    const int64_t elements = rows < enough ? rows * hidden : enough;
    const int64_t most =
        smaller(most_strips, smaller(rows / least_rows_per_strip, elements / least_elements_per_strip));
    return most > 0 ? most : 1;
}

Strips cut_in_strips(int64_t rows, int64_t hidden) {
    if (rows == 0) {
        return {0, 0};
    }
    const int64_t most = most_strips_of(rows, hidden);
    const int64_t rows_per_strip = divide_up(rows, most);
    return {divide_up(rows, rows_per_strip), rows_per_strip};
}

}  // namespace norma
