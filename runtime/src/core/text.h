// SPDX-License-Identifier: MIT
// A text that grows while it is written. Plan creation only.
#pragma once

#include <stddef.h>

namespace norma {

class Text {
public:
    Text() = default;
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text();

    // After memory has run out, adds nothing.
    void add(const char *format, ...) __attribute__((format(printf, 2, 3)));

    const char *c_str() const { return data_ ? data_ : ""; }

    // The caller frees it. Null when memory has run out.
    char *release();

private:
    char *data_ = nullptr;
    size_t length_ = 0;
    size_t capacity_ = 0;
    bool failed_ = false;
};

}  // namespace norma
