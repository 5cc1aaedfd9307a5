// SPDX-License-Identifier: MIT
#include "lexer.h"

#include <cctype>
#include <cstring>
#include <sstream>

#include "ptx.h"

namespace ptx {

namespace {

bool in_word(char c) { return std::isalnum((unsigned char)c) || c == '_' || c == '$' || c == '%' || c == '.'; }

}  // namespace

std::vector<Token> tokens_of(const std::string &text) {
    std::vector<Token> tokens;
    int line = 1;
    size_t at = 0;
    const auto starts = [&](const char *what) { return text.compare(at, std::strlen(what), what) == 0; };
    while (at < text.size()) {
        const char c = text[at];
        if (c == '\n' || std::isspace((unsigned char)c)) {
            line += c == '\n';
            at++;
        } else if (starts("//")) {
            at = std::min(text.find('\n', at), text.size());
        } else if (starts("/*")) {
            const int from = line;
            for (at += 2; !starts("*/"); at++) {
                if (at >= text.size()) {
                    throw ParseError(from, "a comment without end");
                }
                line += text[at] == '\n';
            }
            at += 2;
        } else if (c == '"') {
            const size_t end = text.find('"', at + 1);
            if (end == std::string::npos) {
                throw ParseError(line, "a string without end");
            }
            tokens.push_back({text.substr(at, end + 1 - at), line});
            at = end + 1;
        } else if (in_word(c)) {
            size_t end = at;
            while (end < text.size() && (in_word(text[end]) || text.compare(end, 2, "::") == 0)) {
                end += text[end] == ':' ? 2 : 1;
            }
            tokens.push_back({text.substr(at, end - at), line});
            at = end;
        } else if (std::strchr("@!{}[]()<>,;:+-|=", c) != nullptr) {
            tokens.push_back({std::string(1, c), line});
            at++;
        } else {
            throw ParseError(line, std::string("unknown character '") + c + "'");
        }
    }
    tokens.push_back({"", line});
    return tokens;
}

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    return parts;
}

}  // namespace ptx
