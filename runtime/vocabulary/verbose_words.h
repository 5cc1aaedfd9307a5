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

// Of the variable's text, null where it is not set: none, also where it is no level.
inline Verbose verbose_level_of(const char *text) {
    const Word *word = text ? verbose_words.find(text) : nullptr;
    return word ? static_cast<Verbose>(word->value) : Verbose::none;
}

}  // namespace norma
