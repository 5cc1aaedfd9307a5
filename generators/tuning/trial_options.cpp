// SPDX-License-Identifier: MIT
#include "trial_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "generators/codegen/device/device.h"
#include "runtime/kernel_host/cpu/usable_cpus.h"
#include "runtime/kernel_host/cuda/driver.h"
#include "tools/base/files.h"
#include "tools/base/find_program.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

// The one beside this program: one that lies in a folder of work may be anybody's.
fs::path measure_program() { return fs::read_symlink("/proc/self/exe").parent_path() / "norma_measure"; }

}  // namespace

CLI::Option *add_trial_options(CLI::App &command, TrialOptions &options) {
    options.limits.at_once = usable_cpus();
    command.add_option("--target-files", options.targets_directory, "directory of the target files")
        ->capture_default_str();
    command.add_option("--linker", options.linker, "makes shared objects of the target's architecture")
        ->capture_default_str();
    command.add_option("--jobs", options.limits.at_once, "candidates compiled at once; one is measured at a time")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command.add_option("--timeout", options.timeout, "seconds for one trial")
        ->check(CLI::Range(0.001, 86400.0))
        ->capture_default_str();
    command.add_option("--budget", options.budget, "time for all of it, as in 90s, 10m, 1h")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}}))
        ->check(CLI::Range(0.0, 1e7));
    return command.add_option("--emit", options.emit, "compile to this directory, and do not measure");
}

std::string require_linker(const TrialOptions &options) {
    return require_program("tuning", {options.linker}, "on PATH, or another one as --linker").string();
}

void expect_to_run_here(const TargetFile &target, const std::string &advice) {
    bool runs = runs_here(target);
    std::string why = target.needs;
    if (is_cuda(target.spec)) {
        const char *missing = "";
        const bool driver = cuda_driver(&missing) != nullptr;
        const int sm = driver ? cuda_devices().at[0].sm : 0;
        runs = driver && sm >= device_of(target.spec).capability(target.spec);
        why = driver ? fmt::format("its first device is sm_{}; {}", sm, target.needs) : missing;
    }
    if (!runs) {
        throw InputError(fmt::format("this machine does not run {} ({}){}", target.spec.name, why, advice));
    }
}

std::vector<std::string> measure_command(const TrialOptions &options, const fs::path &directory,
                                         const std::string &records, double budget, const std::string &progress) {
    return {measure_program().string(),
            directory.string(),
            "--records",
            records,
            "--budget",
            fmt::format("{}", std::max(0.0, budget)),
            "--timeout",
            fmt::format("{}", options.timeout),
            "--progress",
            progress};
}

void put_measure_program(const fs::path &directory) {
    write_if_changed(directory / "norma_measure", read_file(measure_program()));
    fs::permissions(directory / "norma_measure", fs::status(measure_program()).permissions());
}

}  // namespace norma
