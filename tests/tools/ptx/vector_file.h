// SPDX-License-Identifier: MIT
// The data files of the instruction tests.
#pragma once

#include <string>
#include <vector>

// Every word that a text with {a,b} stands for.
std::vector<std::string> expanded(const std::string &text);

struct Vector {
    std::string name;
    std::vector<std::string> operands;
    std::string result;
    unsigned ulps = 0;
    int line = 0;
};
std::vector<Vector> vectors_of(const std::string &path);

struct ProgramCase {
    std::vector<std::string> names;  // of the rows that it is about
    std::string code;
    std::vector<std::string> words;  // expected first words of the buffer
    std::string fault;               // or a part of the message
    int line = 0;
};
std::vector<ProgramCase> programs_of(const std::string &path);
