// SPDX-License-Identifier: MIT
// NORMA_VERBOSE: what goes to stderr, each level with all of those before it.
#pragma once

#include "words.h"

namespace norma {

enum class Verbose : int32_t { none, error, info, dispatch, all };

inline constexpr Word verbose_word_table[] = {{(int32_t)Verbose::none, "none"},
                                              {(int32_t)Verbose::error, "error"},
                                              {(int32_t)Verbose::info, "info"},
                                              {(int32_t)Verbose::dispatch, "dispatch"},
                                              {(int32_t)Verbose::all, "all"}};
inline constexpr Words verbose_words = verbose_word_table;

}  // namespace norma
