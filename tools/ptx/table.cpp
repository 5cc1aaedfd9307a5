// SPDX-License-Identifier: MIT
#include "table.h"

#include <algorithm>
#include <unordered_map>

#include "lexer.h"

namespace ptx {

Type type_named(const std::string &word) {
    static const std::unordered_map<std::string, Type> types = {
        {"pred", Type::pred}, {"b8", Type::b8},   {"u8", Type::u8},   {"s8", Type::s8},     {"b16", Type::b16},
        {"u16", Type::u16},   {"s16", Type::s16}, {"f16", Type::f16}, {"bf16", Type::bf16}, {"b32", Type::b32},
        {"u32", Type::u32},   {"s32", Type::s32}, {"f32", Type::f32}, {"f16x2", Type::b32}, {"bf16x2", Type::b32},
        {"b64", Type::b64},   {"u64", Type::u64}, {"s64", Type::s64}, {"f64", Type::f64}};
    const auto found = types.find(word);
    return found == types.end() ? Type::none : found->second;
}

namespace {

bool matches(const Row &row, const std::vector<std::string> &spelling) {
    const std::vector<std::string> name = split(row.name, '.'), optional = split(row.optional, ' ');
    size_t next = 0;
    for (const std::string &word : spelling) {
        if (next < name.size() && word == name[next]) {
            next++;
        } else if (std::find(optional.begin(), optional.end(), word) == optional.end()) {
            return false;
        }
    }
    return next == name.size();
}

}  // namespace

const Rows &table() {
    static const Rows rows = [] {
        Rows all;
        add_integer_rows(all);
        add_float_rows(all);
        add_half_rows(all);
        add_compare_rows(all);
        add_convert_rows(all);
        add_machine_rows(all);
        return all;
    }();
    return rows;
}

namespace {

const std::unordered_map<std::string, std::vector<const Row *>> &rows_by_opcode() {
    static const auto by_opcode = [] {
        std::unordered_map<std::string, std::vector<const Row *>> rows;
        for (const Row &row : table()) {
            rows[row.name.substr(0, row.name.find('.'))].push_back(&row);
        }
        return rows;
    }();
    return by_opcode;
}

}  // namespace

bool is_opcode(const std::string &word) { return rows_by_opcode().count(word) != 0; }

const Row *find_row(const std::string &spelling) {
    const std::vector<std::string> words = split(spelling, '.');
    if (words.empty() || !is_opcode(words[0])) {
        return nullptr;
    }
    const std::vector<const Row *> &rows = rows_by_opcode().at(words[0]);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row *r) { return matches(*r, words); });
    return row == rows.end() ? nullptr : *row;
}

}  // namespace ptx
