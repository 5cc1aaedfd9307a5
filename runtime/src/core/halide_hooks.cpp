// SPDX-License-Identifier: MIT
#include "halide_hooks.h"

#include <HalideRuntime.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_features.h"
#include "verbose.h"

namespace norma {
namespace {

void on_error(void *user_context, const char *message) {
    CallContext *context = static_cast<CallContext *>(user_context);
    const int length = static_cast<int>(strcspn(message, "\n"));
    if (!context) {
        verbose_level() >= Verbose::error ? verbose_line("error", "halide: %.*s", length, message) : void();
    } else if (context->message[0] == '\0') {
        snprintf(context->message, sizeof(context->message), "%.*s", length, message);
    }
}

void on_print(void *, const char *message) {
    if (verbose_level() >= Verbose::all) {
        verbose_lines("halide", message);
    }
}

// A run never allocates: scratch is the caller's workspace. A kernel that asks for more than it was said to need is a
// bug; it is reported, but must get its memory, since kernels do not check for null.
void *on_malloc(void *user_context, size_t size) {
    CallContext *context = static_cast<CallContext *>(user_context);
    void *block = context ? take_scratch(&context->scratch, size) : allocate_scratch(size);
    if (!block && context) {
        on_error(user_context, "asked for more scratch than its workspace_per_element says");
        block = allocate_scratch(size);
    }
    return block;
}

void on_free(void *user_context, void *block) {
    CallContext *context = static_cast<CallContext *>(user_context);
    if (context && is_scratch(context->scratch, block)) {
        give_back_scratch(&context->scratch, block);
    } else {
        free_scratch(block);
    }
}

void install() {
    halide_set_error_handler(on_error);
    halide_set_custom_print(on_print);
    halide_set_custom_malloc(on_malloc);
    halide_set_custom_free(on_free);
}

struct PoolLoop {
    norma_task task;
    void *task_data;
};

int run_pool_task(void *, int index, uint8_t *closure) {
    const PoolLoop *loop = reinterpret_cast<const PoolLoop *>(closure);
    loop->task(loop->task_data, index);
    return 0;
}

}  // namespace

void install_halide_hooks() {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

bool cpu_has_features(const uint64_t *features) {
    constexpr int words = (halide_target_feature_end + 63) / 64;
    static_assert(words <= 4, "Target::features is too short for this Halide");
    return cpu_has_overlooked_features(features) && halide_can_use_target_features(words, features) != 0;
}

void set_pool_threads(int32_t threads) { halide_set_num_threads(threads); }

void shut_down_pool() { halide_shutdown_thread_pool(); }

int pool_parallel_for(void *, int64_t count, norma_task task, void *task_data) {
    PoolLoop loop = {task, task_data};
    return halide_do_par_for(nullptr, run_pool_task, 0, static_cast<int>(count), reinterpret_cast<uint8_t *>(&loop));
}

}  // namespace norma
