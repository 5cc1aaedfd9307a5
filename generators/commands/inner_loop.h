// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace norma {

// Of a kernel's assembly: the innermost loop with the most instructions on vectors, its directives and comments left
// out. Empty where there is none.
std::string inner_loop(const std::string &assembly);

}  // namespace norma
