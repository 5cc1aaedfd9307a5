// SPDX-License-Identifier: MIT
// Programs of others, which are looked for when they are needed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace norma {

// The first of `names` in `directories`, then on PATH; a name with a slash is a path. Empty where there is none.
std::filesystem::path find_program(const std::vector<std::string> &names,
                                   const std::vector<std::filesystem::path> &directories = {});

// Throws InputError where there is none: `purpose` needs one of `names`; `advice` says how else to name it.
std::filesystem::path require_program(const std::string &purpose, const std::vector<std::string> &names,
                                      const std::string &advice,
                                      const std::vector<std::filesystem::path> &directories = {});

}  // namespace norma
