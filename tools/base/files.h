// SPDX-License-Identifier: MIT
// Files read and written whole.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace norma {

// Something given by the user is wrong: one line for stderr, exit status 2, nothing written.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Writing failed, or a kernel did: exit status 1.
struct OutputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string read_file(const std::filesystem::path &path);  // throws InputError

// Replaces the file in one step, and only where its content differs, so that builds see no change where there is none.
void write_if_changed(const std::filesystem::path &path, const std::string &content);  // throws OutputError

void make_directory(const std::filesystem::path &path);  // throws OutputError

}  // namespace norma
