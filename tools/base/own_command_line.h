// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace norma {

// As this program was called, with blanks between the words and without the folder of the program.
inline std::string own_command_line() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    while (!text.empty() && text.back() == '\0') {
        text.pop_back();
    }
    const size_t end = std::min(text.find('\0'), text.size());
    text.replace(0, end, std::filesystem::path(text.substr(0, end)).filename().string());
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text;
}

}  // namespace norma
