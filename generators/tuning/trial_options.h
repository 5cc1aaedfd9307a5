// SPDX-License-Identifier: MIT
// What `tune` and `worker` have in common: options, and what a trial needs of this machine.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "generators/codegen/targets.h"
#include "generators/normagen/compile.h"
#include "tools/base/data_directory.h"

namespace norma {

struct TrialOptions {
    std::string targets_directory = data_directory() / "schedules/targets";
    std::string linker = "ld", emit;
    double budget = 600, timeout = 60;
    JobLimits limits;
};

// Returns --emit.
CLI::Option *add_trial_options(CLI::App &command, TrialOptions &options);

std::string require_linker(const TrialOptions &options);  // throws InputError

// Throws InputError, which ends with `advice`, where this machine does not run the target.
void expect_to_run_here(const TargetFile &target, const std::string &advice);

// norma_measure with these limits.
std::vector<std::string> measure_command(const TrialOptions &options, const std::filesystem::path &directory,
                                         const std::string &records, double budget, const std::string &progress);

// So that the folder of --emit can be measured where there is no normagen.
void put_measure_program(const std::filesystem::path &directory);

}  // namespace norma
