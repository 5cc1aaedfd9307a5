// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace norma {

// XXH3, 128 bits as 32 hexadecimal digits: the same on every machine, for names of cached and recorded things.
std::string digest(std::string_view bytes);

}  // namespace norma
