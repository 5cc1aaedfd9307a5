// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <stdexcept>

namespace norma::python {

// A number as the library takes it. One that is 0 there alone is not what was asked for.
inline float as_float32(const char *name, double value) {
    const auto narrow = static_cast<float>(value);
    if (narrow == 0 && value != 0) {
        char message[120];
        std::snprintf(message, sizeof message, "%s is %g, which float32 does not have; expected another number, or 0",
                      name, value);
        throw std::invalid_argument(message);
    }
    return narrow;
}

}  // namespace norma::python
