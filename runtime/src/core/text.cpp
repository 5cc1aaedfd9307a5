// SPDX-License-Identifier: MIT
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace norma {

Text::~Text() { free(data_); }

void Text::add(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const size_t added = static_cast<size_t>(vsnprintf(nullptr, 0, format, arguments));
    va_end(arguments);
    const size_t needed = length_ + added + 1;
    if (needed > capacity_ && !failed_) {
        const size_t capacity = needed > 2 * capacity_ ? needed + 512 : 2 * capacity_;
        char *data = static_cast<char *>(realloc(data_, capacity));
        failed_ = !data;
        data_ = data ? data : data_;
        capacity_ = data ? capacity : capacity_;
    }
    if (!failed_) {
        vsnprintf(data_ + length_, added + 1, format, again);
        length_ += added;
    }
    va_end(again);
}

char *Text::release() {
    char *data = failed_ ? nullptr : data_ ? data_ : strdup("");
    if (failed_) {
        free(data_);
    }
    data_ = nullptr;
    length_ = capacity_ = 0;
    return data;
}

}  // namespace norma
