// SPDX-License-Identifier: MIT
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace norma {

Text::~Text() {
    if (data_ != first_) {
        free(data_);
    }
}

void Text::add(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const size_t added = static_cast<size_t>(vsnprintf(nullptr, 0, format, arguments));
    va_end(arguments);
    failed_ = failed_ || !reserve(length_ + added + 1);
    if (!failed_) {
        vsnprintf(data_ + length_, added + 1, format, again);
        length_ += added;
    }
    va_end(again);
}

bool Text::reserve(size_t needed) {
    if (needed <= capacity_) {
        return true;
    }
    const size_t capacity = needed > 2 * capacity_ ? needed : 2 * capacity_;
    char *data = static_cast<char *>(realloc(data_ == first_ ? nullptr : data_, capacity));
    if (!data) {
        return false;
    }
    if (data_ == first_) {
        memcpy(data, first_, length_ + 1);
    }
    data_ = data;
    capacity_ = capacity;
    return true;
}

char *Text::release() {
    if (failed_) {
        return nullptr;
    }
    char *data = data_ == first_ ? strdup(first_) : data_;
    data_ = first_;
    first_[0] = '\0';
    length_ = 0;
    capacity_ = sizeof first_;
    return data;
}

}  // namespace norma
