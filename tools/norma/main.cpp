// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "bench/calibrate.h"
#include "bench/given_names.h"
#include "commands.h"
#include "tools/base/command_line.h"

namespace {

// CLI11 would say that a subcommand is missing, not which word is none.
void check_subcommand(const CLI::App &app, const std::string &word) {
    std::vector<std::string> known;
    for (const CLI::App *command : app.get_subcommands({})) {
        if (command->get_name() == word) {
            return;
        }
        known.push_back(command->get_name());
    }
    throw norma::InputError("\"" + word + "\" is not a command; expected one of " + norma::comma_separated(known));
}

}  // namespace

int main(int count, char **arguments) {
    CLI::App app("LayerNorm and RMSNorm kernels compiled ahead of time", "norma");
    app.set_version_flag("--version", norma_version());
    app.require_subcommand(1);
    norma::tool::add_list(app);
    norma::tool::add_info(app);
    norma::tool::add_run(app);
    norma::tool::add_demo(app);
    norma::tool::add_quality(app);
    norma::bench::add_bench(app);
    norma::bench::add_calibrate(app);
    return norma::exit_status(app, [&] {
        if (count > 1 && arguments[1][0] != '-') {
            check_subcommand(app, arguments[1]);
        }
        norma::bench::with_given_names({}, [&] { app.parse(count, arguments); });
    });
}
