// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "norma/norma.h"

namespace norma::python {

// norma_last_error(), without the names of C's structs: what is in them are arguments in Python.
inline const char *last_error() {
    const char *message = norma_last_error();
    for (const std::string_view name : {"desc.", "execution."}) {
        if (std::string_view(message).substr(0, name.size()) == name) {
            return message + name.size();
        }
    }
    return message;
}

}  // namespace norma::python
