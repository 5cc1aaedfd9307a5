// SPDX-License-Identifier: MIT
// Norma's own threads: at most norma_get_num_threads() - 1, made when a loop first wants them.
#pragma once

#include "norma/norma.h"

namespace norma {

inline constexpr int32_t max_pool_threads = 256;  // the calling one included

// A norma_parallel_for, of at least one task. Loops may be nested, and any threads may have one at once.
int pool_parallel_for(void *context, int64_t count, norma_task task, void *task_data);

// Ends the threads. The next loop makes new ones.
void shut_down_pool();

// Around fork: the child gets the pool without loops and threads.
void hold_pool();
void release_pool();
void empty_pool();  // instead of release_pool, in the child

}  // namespace norma
