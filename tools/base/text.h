// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace norma {

// Names in files and on the command line may hold anything; a message is one line all the same.
inline std::string one_line(std::string text) {
    auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
    std::replace_if(text.begin(), text.end(), is_control, '?');
    return text;
}

// The same of a message that may have several lines.
inline std::string printable(std::string text) {
    auto is_control = [](unsigned char c) { return (c < ' ' && c != '\n') || c == 0x7f; };
    std::replace_if(text.begin(), text.end(), is_control, '?');
    return text;
}

// "a, b, c"
inline std::string comma_separated(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

}  // namespace norma
