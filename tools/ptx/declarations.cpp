// SPDX-License-Identifier: MIT
// Tokens as a parser reads them, and variables.
#include <algorithm>
#include <cstring>

#include "decode.h"

namespace ptx {

Token Tokens::next() {
    if (at_end()) {
        throw ParseError(peek().line, "the text ends too early");
    }
    return tokens[next_token++];
}

bool Tokens::accept(const std::string &text) {
    const bool same = peek().text == text;
    next_token += same;
    return same;
}

void Tokens::expect(const std::string &text) {
    if (!accept(text)) {
        throw ParseError(peek().line, "expected '" + text + "', found '" + peek().text + "'");
    }
}

int64_t Tokens::integer() {
    const bool negative = accept("-");
    const Token word = next();
    const auto value = integer_of(word.text);
    if (!value) {
        throw ParseError(word.line, "expected an integer, found '" + word.text + "'");
    }
    return negative ? -*value : *value;
}

void Tokens::skip_line(int line) {
    while (!at_end() && peek().line == line) {
        next_token++;
    }
}

void Tokens::skip_block() {
    while (next().text != "{") {
    }
    for (int depth = 1; depth > 0;) {
        const std::string text = next().text;
        depth += text == "{" ? 1 : text == "}" ? -1 : 0;
    }
}

std::string Tokens::text(size_t first) const {
    std::string all;
    for (size_t i = first; i < next_token; i++) {
        const std::string &word = tokens[i].text;
        const bool tight =
            all.empty() || std::strchr("],;}+-|", word[0]) != nullptr || std::strchr("[{@!+-|", all.back()) != nullptr;
        all += (tight ? "" : " ") + word;
    }
    return all;
}

std::optional<int64_t> integer_of(const std::string &word) {
    char *end = nullptr;
    const uint64_t value = std::strtoull(word.c_str(), &end, 0);
    if (word.empty() || !std::isdigit((unsigned char)word[0]) ||
        (std::strcmp(end, "") != 0 && std::strcmp(end, "U") != 0)) {
        return {};
    }
    return (int64_t)value;
}

size_t type_bytes(const Token &word) {
    const Type type = word.text[0] == '.' ? type_named(word.text.substr(1)) : Type::none;
    if (bytes_of(type) == 0) {
        throw ParseError(word.line, "expected the type of a variable, found '" + word.text + "'");
    }
    return bytes_of(type);
}

void variable(Tokens &in, Scope &scope, const std::string &space) {
    size_t align = 1, element = 0, count = 1;
    while (in.peek().text[0] == '.') {
        const Token word = in.next();
        if (word.text == ".align") {
            align = (size_t)in.integer();
        } else {
            element = type_bytes(word);
        }
    }
    align = std::max(align, element);
    const Token name = in.next();
    while (in.accept("[")) {
        count = in.peek().text == "]" ? 0 : count * (size_t)in.integer();
        in.expect("]");
    }
    std::vector<int64_t> values;
    if (in.accept("=")) {
        const bool list = in.accept("{");
        do {
            values.push_back(in.integer());
        } while (in.accept(","));
        if (list) {
            in.expect("}");
        }
    }
    in.expect(";");
    const size_t bytes = std::max(element * count, element * values.size());
    if (space == ".shared" && count == 0) {
        scope.dynamic_shared.push_back(name.text);
    } else if (space == ".shared" || space == ".local") {
        size_t &used = space == ".shared" ? scope.shared_bytes : scope.local_bytes;
        used = (used + align - 1) / align * align;
        scope.symbols[name.text] = {space == ".shared" ? Space::shared : Space::local, used};
        used += bytes;
    } else {
        auto data = std::make_shared<std::vector<std::byte>>(bytes);
        for (size_t i = 0; i < values.size(); i++) {
            std::memcpy(data->data() + i * element, &values[i], element);
        }
        const Space where = space == ".const" ? Space::constant : Space::global;
        scope.symbols[name.text] = {where, (uint64_t)(uintptr_t)data->data()};
        scope.variables.push_back({name.text, where, data});
    }
}

}  // namespace ptx
