// SPDX-License-Identifier: MIT
// fork copies a lock that another thread holds, but not the thread that would give it back. So the forking thread holds
// the runtime's locks meanwhile, and what they guard is whole in the child. This is their order; elsewhere no thread
// holds two. A device's own are not held, since a thread may call its driver with them, which may have such handlers of
// its own: what they guard is whole at any time, so the child has new ones.
#include <pthread.h>

#include "cache.h"
#include "runtime/src/device/cpu/pool.h"
#include "runtime/src/device/devices.h"

namespace norma {
namespace {

void before_fork() {
    hold_cache();
    hold_pool();
}

void in_parent() {
    release_pool();
    release_cache();
}

void in_child() {
    for (int32_t i = 0; i < device_count; i++) {
        if (devices[i]->renew_locks) {
            devices[i]->renew_locks();
        }
    }
    empty_pool();
    release_cache();
}

// As the library is loaded, before a thread can hold a lock. dlclose takes the handlers back.
__attribute__((constructor)) void register_handlers() { pthread_atfork(before_fork, in_parent, in_child); }

}  // namespace
}  // namespace norma
