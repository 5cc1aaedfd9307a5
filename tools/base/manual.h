// SPDX-License-Identifier: MIT
// A program's man page and completion for shells, from what its parser knows.
#pragma once

#include <CLI/CLI.hpp>

namespace norma {

// Adds --man and --completion, which print them.
void add_manual(CLI::App &app);

}  // namespace norma
