// SPDX-License-Identifier: MIT
#include "inner_loop.h"

#include <regex>
#include <sstream>
#include <vector>

namespace norma {

namespace {

const std::regex label("^\\.?[A-Za-z_][A-Za-z0-9_.$]*:");
const std::regex on_vectors("%[xyz]mm[0-9]|\\bv[0-9]+\\.[0-9]");  // x86-64, aarch64

// Its last instruction jumps to its label, and no other label lies between.
struct Loop {
    std::vector<std::string> lines;
    int vectors = 0;
};

}  // namespace

std::string inner_loop(const std::string &assembly) {
    Loop best, open;
    std::string name;
    std::istringstream stream(assembly);
    for (std::string line; std::getline(stream, line);) {
        line = line.substr(0, line.find_first_of("#\r"));
        line.resize(line.find_last_not_of(" \t") + 1);
        std::smatch match;
        if (std::regex_search(line, match, label)) {
            name = match.str().substr(0, match.str().size() - 1);
            open = {{line}, 0};
            continue;
        }
        const size_t first = line.find_first_not_of(" \t");
        if (first == line.npos || line[first] == '.' || name.empty()) {
            continue;
        }
        open.lines.push_back(line);
        open.vectors += std::regex_search(line, on_vectors);
        const size_t operand = line.find_last_of(" \t,");
        if (line.substr(operand + 1) == name && open.vectors > best.vectors) {
            best = open;
        }
    }
    std::string text;
    for (const std::string &line : best.lines) {
        text += line + "\n";
    }
    return text;
}

}  // namespace norma
