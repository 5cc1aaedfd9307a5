// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace ptx {

struct Token {
    std::string text;  // a word (opcode, name, number) or one character; empty at the end
    int line;
};

// Without comments. Throws ParseError for a character that PTX does not have.
std::vector<Token> tokens_of(const std::string &text);

std::vector<std::string> split(const std::string &text, char separator);  // without empty parts

}  // namespace ptx
