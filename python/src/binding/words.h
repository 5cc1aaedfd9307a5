// SPDX-License-Identifier: MIT
// Words of manifests and command lines, as strings of Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "runtime/vocabulary/variant.h"

namespace norma::python {

// Null for None. Raises TypeError for what is no string. Valid as long as the string.
inline const char *text_of(nanobind::handle text, const char *argument) {
    if (text.is_none()) {
        return nullptr;
    }
    if (!PyUnicode_Check(text.ptr())) {
        throw nanobind::type_error(
            (std::string(argument) + " is of type " + nanobind::inst_name(text).c_str() + "; expected a string")
                .c_str());
    }
    const char *words = PyUnicode_AsUTF8AndSize(text.ptr(), nullptr);
    if (!words) {
        throw nanobind::python_error();
    }
    return words;
}

// None means zero. Raises ValueError for what is none of the words, naming them.
template <typename Enum>
Enum value_of(const Words &words, const char *argument, nanobind::handle text) {
    const char *word = text_of(text, argument);
    if (!word) {
        return static_cast<Enum>(0);
    }
    if (const Word *known = words.find(word)) {
        return static_cast<Enum>(known->value);
    }
    std::string message = std::string(argument) + " is '" + word + "'; expected";
    for (const Word &known : words) {
        message += std::string(&known == words.begin() ? " '" : ", '") + known.name + "'";
    }
    throw nanobind::value_error(message.c_str());
}

}  // namespace norma::python
