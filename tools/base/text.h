// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace norma {

// With what is no printable text escaped: control characters, which a terminal obeys. Those of `kept` stay.
inline std::string printable(const std::string &text, const std::string &kept = "\n\t") {
    std::string escaped;
    for (size_t i = 0; i < text.size(); i++) {
        const auto c = static_cast<unsigned char>(text[i]);
        // Of UTF-8, U+0080 to U+009F are control characters too.
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        const bool is_wide_control = c == 0xc2 && 0x80 <= next && next < 0xa0;
        if ((c >= ' ' && c != 0x7f && !is_wide_control) || kept.find(text[i]) != kept.npos) {
            escaped += text[i];
            continue;
        }
        constexpr char digits[] = "0123456789abcdef";
        escaped += c == '\n' ? "\\n" : std::string("\\x") + digits[c / 16] + digits[c % 16];
    }
    return escaped;
}

// Names in files and on the command line may hold anything; a message is one line all the same.
inline std::string one_line(const std::string &text) { return printable(text, ""); }

// A name in C of what may hold other characters.
inline std::string identifier(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
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
