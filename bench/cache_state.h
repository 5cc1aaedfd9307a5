// SPDX-License-Identifier: MIT
// How a timed call finds the CPU's caches.
#pragma once

#include <functional>

#include "runtime/vocabulary/words.h"

namespace norma::bench {

// With what earlier calls of the same function left there; with nothing of it; as a streaming copy leaves them.
enum class CacheState { warm, cold, after_copy };
inline constexpr Word cache_word_table[] = {{static_cast<int32_t>(CacheState::warm), "warm"},
                                            {static_cast<int32_t>(CacheState::cold), "cold"},
                                            {static_cast<int32_t>(CacheState::after_copy), "after-copy"}};
inline constexpr Words cache_words = cache_word_table;

// For Effort::before_each. `copy` makes the last state.
std::function<void()> before_each(CacheState state, const std::function<void()> &copy);

}  // namespace norma::bench
