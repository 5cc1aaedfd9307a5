// SPDX-License-Identifier: MIT
// The values of an enum and the words for them, the same in manifests, kernel names, command lines and messages.
#pragma once

#include <cstdint>
#include <cstring>

namespace norma {

struct Word {
    int32_t value;
    const char *name;
};

// A table of words, by value in any order.
struct Words {
    const Word *first;
    int32_t count;

    template <int size>
    constexpr Words(const Word (&words)[size]) : first(words), count(size) {}

    const Word *begin() const { return first; }
    const Word *end() const { return first + count; }

    // Null for a value that has none.
    const char *name(int32_t value) const {
        for (const Word &word : *this) {
            if (word.value == value) {
                return word.name;
            }
        }
        return nullptr;
    }

    // Null for a text that is none of the words.
    const Word *find(const char *name) const {
        for (const Word &word : *this) {
            if (strcmp(word.name, name) == 0) {
                return &word;
            }
        }
        return nullptr;
    }
};

}  // namespace norma
