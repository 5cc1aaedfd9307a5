// SPDX-License-Identifier: MIT
// fork copies a lock that another thread holds, but not the thread that would give it back. So the forking thread holds
// the runtime's locks meanwhile, and what they guard is whole in the child. This is their order; elsewhere no thread
// holds two. That of CUDA's modules is not held, since a thread calls the driver with it, which may have such handlers
// of its own: what it guards is whole at any time, so the child has a new one.
#include <pthread.h>

#include "cache.h"
#include "runtime/kernel_host/cuda/modules.h"
#include "runtime/src/device/cpu/pool.h"

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
    renew_module_lock();
    empty_pool();
    release_cache();
}

// As the library is loaded, before a thread can hold a lock. dlclose takes the handlers back.
__attribute__((constructor)) void register_handlers() { pthread_atfork(before_fork, in_parent, in_child); }

}  // namespace
}  // namespace norma
