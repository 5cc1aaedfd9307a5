// SPDX-License-Identifier: MIT
#include "messages.h"

#include <cstdio>

#include "text.h"

namespace norma {

namespace {

std::string &program() {
    static std::string name = "norma";
    return name;
}

}  // namespace

void set_program_name(const std::string &name) { program() = name; }

void write_to_stderr(const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

void tell(const std::string &message) { write_to_stderr(program() + ": " + printable(message) + "\n"); }

}  // namespace norma
