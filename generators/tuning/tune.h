// SPDX-License-Identifier: MIT
// normagen tune: finds the fastest knobs for the kernels of a manifest on a machine. normagen worker: trials that
// it listed.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace norma {

// Add a subcommand each; `run_later` is told what to run where one is chosen.
using RunLater = std::function<void(CLI::App &, const std::function<void()> &)>;
void add_tune(CLI::App &app, const RunLater &run_later);
void add_worker(CLI::App &app, const RunLater &run_later);

}  // namespace norma
