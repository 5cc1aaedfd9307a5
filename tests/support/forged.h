// SPDX-License-Identifier: MIT
// A value that an enumeration does not have, as a C caller may pass it.
#pragma once

#include <cstring>

namespace norma::test {

template <typename Enum>
Enum forged(int value) {
    static_assert(sizeof(Enum) == sizeof(value));
    Enum result;
    std::memcpy(&result, &value, sizeof result);
    return result;
}

}  // namespace norma::test
