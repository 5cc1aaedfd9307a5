// SPDX-License-Identifier: MIT
// The subcommands of `norma`. Each throws CLI::ParseError or InputError for what the user got wrong.
#pragma once

#include "tools/base/errors.h"

namespace CLI {
class App;
}

namespace norma::tool {

void add_list(CLI::App &app);
void add_info(CLI::App &app);
void add_run(CLI::App &app);
void add_demo(CLI::App &app);
void add_quality(CLI::App &app);

}  // namespace norma::tool
