// SPDX-License-Identifier: MIT
// From tokens to instructions: names become registers and constants, opcodes rows of the table.
#pragma once

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "lexer.h"
#include "program.h"

namespace ptx {

class Tokens {
public:
    explicit Tokens(std::vector<Token> tokens) : tokens(std::move(tokens)) {}
    const Token &peek(size_t ahead = 0) const { return tokens[std::min(next_token + ahead, tokens.size() - 1)]; }
    bool at_end() const { return peek().text.empty(); }
    Token next();                          // throws ParseError at the end
    bool accept(const std::string &text);  // and takes it
    void expect(const std::string &text);
    int64_t integer();
    void skip_line(int line);
    void skip_block();
    std::string text(size_t first) const;  // from a position to here
    size_t position() const { return next_token; }

private:
    std::vector<Token> tokens;
    size_t next_token = 0;
};

// A variable's space and, in shared and local memory, its offset; else its bytes.
struct Symbol {
    Space space;
    uint64_t address;
};

struct Scope {
    std::unordered_map<std::string, Symbol> symbols;
    std::vector<Variable> variables;
    size_t shared_bytes = 0, local_bytes = 0;
    std::vector<std::string> dynamic_shared;  // .extern arrays, which begin where the others end
};

std::optional<int64_t> integer_of(const std::string &word);
size_t type_bytes(const Token &word);  // of ".u32"
void variable(Tokens &in, Scope &scope, const std::string &space);
void decode(Tokens &in, const Scope &module, Program &program);  // after "{", through its "}"

}  // namespace ptx
