// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>

namespace norma {

// Something given by the user is wrong: one line for stderr, exit status 2, nothing written.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Writing failed, or a kernel did: exit status 1.
struct OutputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace norma
