// SPDX-License-Identifier: MIT
#include "cuda_hints.h"

#include <map>
#include <regex>
#include <set>
#include <stdexcept>
#include <vector>

namespace norma {

namespace {

struct Instruction {
    size_t line;
    std::string operation, target;  // a register, or what of a vector is written
    std::vector<std::string> registers;
};

std::vector<std::string> split_lines(const std::string &text) {
    std::vector<std::string> lines;
    for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
}

std::string joined(const std::vector<std::string> &lines) {
    std::string text;
    for (const std::string &line : lines) {
        text += line + "\n";
    }
    return text;
}

std::vector<Instruction> parse(const std::vector<std::string> &lines) {
    static const std::regex form(
        "^\\s+(?:@!?%p\\d+\\s+)?([a-z][A-Za-z0-9_.:]*)\\s+(\\{[^}]*\\}|%\\w+|\\[[^\\]]*\\])(.*);.*");
    static const std::regex name("%[a-z]+\\d*(\\.[xyz])?");
    std::vector<Instruction> instructions;
    for (size_t i = 0; i < lines.size(); i++) {
        std::smatch match;
        if (std::regex_match(lines[i], match, form)) {
            const std::string rest = match[3];
            instructions.push_back(
                {i, match[1], match[2], {std::sregex_token_iterator(rest.begin(), rest.end(), name), {}}});
        }
    }
    return instructions;
}

// What follows from the number of the block, but not what memory or other lanes hold.
std::set<std::string> depending_on_block(const std::vector<Instruction> &instructions) {
    std::set<std::string> found;
    for (size_t before = size_t(-1); before != found.size();) {
        before = found.size();
        for (const Instruction &instruction : instructions) {
            const bool is_value =
                instruction.operation.compare(0, 3, "ld.") == 0 || instruction.operation.compare(0, 5, "shfl.") == 0;
            for (const std::string &source : instruction.registers) {
                if (!is_value && (source.compare(0, 6, "%ctaid") == 0 || found.count(source) != 0)) {
                    found.insert(instruction.target);
                }
            }
        }
    }
    return found;
}

}  // namespace

std::string copy_without_waiting(const std::string &ptx) {
    static const std::regex load("^\\s+ld\\.global\\.(?:nc\\.)?([a-z0-9.]+)\\s+(\\{[^}]*\\}|%\\w+), (\\[[^\\]]*\\]);");
    static const std::regex store("^\\s+st\\.shared\\.([a-z0-9.]+)\\s+(\\[[^\\]]*\\]), (\\{[^}]*\\}|%\\w+);");
    static const std::map<std::string, int> sizes = {
        {"b32", 4}, {"b64", 8}, {"v2.b32", 8}, {"v4.b32", 16}, {"v2.b64", 16}};
    struct Loaded {
        size_t line;
        std::string type, address;
    };
    std::map<std::string, Loaded> loads;  // by the registers that are written
    std::vector<std::string> lines = split_lines(ptx);
    for (size_t i = 0; i < lines.size(); i++) {
        std::smatch match;
        if (std::regex_search(lines[i], match, load)) {
            loads[match[2]] = {i, match[1], match[3]};
        } else if (std::regex_search(lines[i], match, store)) {
            const auto from = loads.find(match[3]);
            if (from == loads.end() || from->second.type != match[1] || sizes.count(match[1]) == 0) {
                continue;
            }
            const int bytes = sizes.at(match[1]);
            lines[i] = std::string("\tcp.async.") + (bytes == 16 ? "cg" : "ca") + ".shared.global \t" + match[2].str() +
                       ", " + from->second.address + ", " + std::to_string(bytes) + ";";
            lines[from->second.line].clear();
        }
    }
    return joined(lines);
}

std::string keep_rows_out_of_l1(const std::string &ptx) {
    std::vector<std::string> lines = split_lines(ptx);
    const std::vector<Instruction> instructions = parse(lines);
    const std::set<std::string> rows = depending_on_block(instructions);
    const std::string load = "ld.global.";
    int hints = 0;
    for (const Instruction &instruction : instructions) {
        if (instruction.operation.compare(0, load.size(), load) == 0 && !instruction.registers.empty() &&
            rows.count(instruction.registers.front()) != 0) {
            std::string &line = lines[instruction.line];
            line.insert(line.find(load) + load.size(), "L1::no_allocate.");
            hints++;
        }
    }
    if (hints == 0) {
        throw std::logic_error("PTX without a load that depends on the block; expected those of rows");
    }
    return std::regex_replace(joined(lines), std::regex("\\.version 7\\.[0-3]\n"), ".version 7.4\n");
}

}  // namespace norma
