// SPDX-License-Identifier: MIT
// A text that grows while it is written. Plan creation only.
#pragma once

#include <stddef.h>

namespace norma {

class Text {
public:
    Text() { first_[0] = '\0'; }
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text();

    // Where more memory is needed and there is none, adds nothing, then or later.
    void add(const char *format, ...) __attribute__((format(printf, 2, 3)));

    const char *c_str() const { return data_; }

    // The caller frees it. Null when memory has run out.
    char *release();

private:
    bool reserve(size_t needed);

    char first_[1024];  // as long as messages are: they need no memory
    char *data_ = first_;
    size_t length_ = 0;
    size_t capacity_ = sizeof first_;
    bool failed_ = false;
};

}  // namespace norma
