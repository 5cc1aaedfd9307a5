// SPDX-License-Identifier: MIT
// Files read and written whole.
#pragma once

#include <filesystem>
#include <string>

#include "errors.h"

namespace norma {

std::string read_file(const std::filesystem::path &path);  // throws InputError

// As an OutputFile, and only where the content differs, so that builds see no change where there is none.
void write_if_changed(const std::filesystem::path &path, const std::string &content);  // throws OutputError

void make_directory(const std::filesystem::path &path);  // throws OutputError

}  // namespace norma
