// SPDX-License-Identifier: MIT
// How many threads Norma's pool may use.
#include <atomic>

#include "pool.h"
#include "runtime/kernel_host/cpu/usable_cpus.h"
#include "runtime/kernel_host/integers.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

std::atomic<int32_t> thread_count{0};  // 0: not decided yet

int32_t usable_threads() { return static_cast<int32_t>(smaller(usable_cpus(), max_pool_threads)); }

}  // namespace
}  // namespace norma

norma_status norma_set_num_threads(int32_t threads) {
    if (threads < 0 || threads > norma::max_pool_threads) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "threads is %d; expected 0 to %d", threads, norma::max_pool_threads);
    }
    threads = threads > 0 ? threads : norma::usable_threads();
    if (norma::thread_count.exchange(threads) > threads) {
        norma::shut_down_pool();  // which may have made more
    }
    return NORMA_OK;
}

int32_t norma_get_num_threads(void) {
    int32_t threads = norma::thread_count;
    if (threads == 0) {
        const int32_t usable = norma::usable_threads();
        threads = norma::thread_count.compare_exchange_strong(threads, usable) ? usable : threads;
    }
    return threads;
}
