// SPDX-License-Identifier: MIT
#include "vector_file.h"

#include <sstream>
#include <stdexcept>

#include "tools/ptx/lexer.h"
#include "tools/ptx/text.h"

namespace {

std::vector<std::string> words_of(const std::string &text) { return ptx::split(text, ' '); }

// 3*2 is 3 3, and 3..5 is 3 4 5.
void add_words(std::vector<std::string> &words, const std::string &text) {
    const size_t times = text.find('*'), to = text.find("..");
    const size_t copies = times == std::string::npos ? 1 : std::stoul(text.substr(times + 1));
    if (to != std::string::npos) {
        for (long i = std::stol(text); i <= std::stol(text.substr(to + 2)); i++) {
            words.push_back(std::to_string(i));
        }
    } else {
        words.insert(words.end(), copies, text.substr(0, times));
    }
}

// {a,b} in code stands for the alternative of the case; the cases of one block have as many alternatives as its braces.
std::vector<std::string> code_alternatives(const std::string &code) {
    const size_t open = code.find('{'), close = code.find('}', open);
    if (open == std::string::npos || code[open - 1] != '.') {
        return {code};
    }
    const std::string braces = code.substr(open, close + 1 - open);
    std::vector<std::string> all;
    for (const std::string &choice : ptx::split(braces.substr(1, braces.size() - 2), ',')) {
        all.push_back(edited(code, braces, choice));
    }
    return all;
}

}  // namespace

std::vector<std::string> expanded(const std::string &text) {
    const size_t open = text.find('{'), close = text.find('}', open);
    if (open == std::string::npos) {
        return {text};
    }
    std::vector<std::string> all;
    for (const std::string &choice : ptx::split(text.substr(open + 1, close - open - 1), ',')) {
        for (const std::string &rest : expanded(text.substr(close + 1))) {
            all.push_back(text.substr(0, open) + choice + rest);
        }
    }
    return all;
}

std::vector<Vector> vectors_of(const std::string &path) {
    std::istringstream in(file_text(path));
    std::vector<Vector> all;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        number++;
        if (line.empty() || line[0] == '#') {
            continue;
        }
        const size_t colon = line.find(" : "), arrow = line.find(" -> ");
        if (colon == std::string::npos || arrow == std::string::npos) {
            throw std::runtime_error(path + ": line " + std::to_string(number) +
                                     ": expected names : operands -> result");
        }
        const std::vector<std::string> result = words_of(line.substr(arrow + 4));
        for (const std::string &names : words_of(line.substr(0, colon))) {
            for (const std::string &name : expanded(names)) {
                all.push_back({name, words_of(line.substr(colon + 3, arrow - colon - 3)), result[0],
                               result.size() == 3 ? (unsigned)std::stoul(result[2]) : 0, number});
            }
        }
    }
    return all;
}

std::vector<ProgramCase> programs_of(const std::string &path) {
    std::istringstream in(file_text(path));
    std::vector<ProgramCase> all;
    ProgramCase now;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        number++;
        if (line.compare(0, 3, "== ") == 0) {
            now = {};
            now.line = number;
            for (const std::string &names : words_of(line.substr(3))) {
                for (const std::string &name : expanded(names)) {
                    now.names.push_back(name);
                }
            }
        } else if (line.compare(0, 9, "-> fault ") == 0) {
            now.fault = line.substr(9);
        } else if (line.compare(0, 3, "-> ") == 0) {
            for (const std::string &word : words_of(line.substr(3))) {
                add_words(now.words, word);
            }
        } else if (!line.empty() && line[0] != '#') {
            now.code += line + "\n";
        }
        if (line.compare(0, 3, "-> ") == 0) {
            const std::string code = now.code;
            for (const std::string &alternative : code_alternatives(code)) {
                now.code = alternative;
                all.push_back(now);
            }
        }
    }
    return all;
}
