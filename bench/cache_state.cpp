// SPDX-License-Identifier: MIT
#include "cache_state.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/kernel_host/cpu/caches.h"

namespace norma::bench {

std::function<void()> before_each(CacheState state, const std::function<void()> &copy) {
    if (state != CacheState::cold) {
        return state == CacheState::after_copy ? copy : nullptr;
    }
    // Twice what the caches hold; where that is unknown, more than those of today's machines share out. It is read:
    // large writes may pass the caches by.
    const size_t bytes = 2 * static_cast<size_t>(std::max<int64_t>(machine_caches().l3, int64_t{32} << 20));
    const auto swept = std::make_shared<std::vector<char>>(bytes, 1);
    return [swept] {
        constexpr size_t line = 64;
        int64_t sum = 0;
        for (size_t i = 0; i < swept->size(); i += line) {
            sum += (*swept)[i];
        }
        asm volatile("" : : "r"(sum));
    };
}

}  // namespace norma::bench
