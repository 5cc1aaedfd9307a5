// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>

#include "bench/bench.h"
#include "bench/calibrate.h"
#include "bench/given_names.h"
#include "commands.h"
#include "tools/base/command_line.h"
#include "tools/base/manual.h"

int main(int count, char **arguments) {
    CLI::App app("LayerNorm and RMSNorm kernels compiled ahead of time", "norma");
    app.set_version_flag("--version", norma_version());
    norma::add_manual(app);
    app.require_subcommand(1);
    norma::tool::add_list(app);
    norma::tool::add_info(app);
    norma::tool::add_run(app);
    norma::tool::add_demo(app);
    norma::tool::add_quality(app);
    norma::bench::add_bench(app);
    norma::bench::add_calibrate(app);
    return norma::exit_status(app, [&] {
        norma::check_subcommand(app, count, arguments);
        norma::bench::with_given_names({}, [&] { app.parse(count, arguments); });
    });
}
