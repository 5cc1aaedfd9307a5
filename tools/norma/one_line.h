// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

namespace norma::tool {

// Names in files and on the command line may hold anything; a message is one line all the same.
inline std::string one_line(std::string text) {
    auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
    std::replace_if(text.begin(), text.end(), is_control, '?');
    return text;
}

}  // namespace norma::tool
