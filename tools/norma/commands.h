// SPDX-License-Identifier: MIT
// The subcommands of `norma`. Each throws CLI::ParseError, norma::tool::InputError or norma::safetensors::FormatError
// for what the user got wrong.
#pragma once

#include <stdexcept>

namespace CLI {
class App;
}

namespace norma::tool {

// Bad input: one line for the user, exit status 2.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void add_list(CLI::App &app);
void add_info(CLI::App &app);
void add_run(CLI::App &app);
void add_demo(CLI::App &app);
void add_quality(CLI::App &app);

}  // namespace norma::tool
