// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <norma/norma.hpp>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "commands.h"
#include "tools/base/command_line.h"

namespace {

// A status that the caller could have avoided, as against one that the machine or Norma is to blame for.
bool is_refusal(norma_status status) {
    return status != NORMA_OUT_OF_MEMORY && status != NORMA_PARALLEL_FOR_FAILED && status != NORMA_INTERNAL &&
           status != NORMA_DEVICE_ERROR;
}

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
    return norma::exit_status(app, [&] {
        if (count > 1 && arguments[1][0] != '-') {
            check_subcommand(app, arguments[1]);
        }
        try {
            app.parse(count, arguments);
        } catch (const norma::Error &error) {
            if (is_refusal(error.status())) {
                throw norma::InputError(error.what());
            }
            throw;
        }
    });
}
