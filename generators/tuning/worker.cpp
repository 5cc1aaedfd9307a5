// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "emit.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/child.h"
#include "tools/base/files.h"
#include "tools/base/folder_lock.h"
#include "tools/base/temporary_directory.h"
#include "trial_options.h"
#include "tune.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr double seconds_of_job = 2;  // to measure it, unless --budget says otherwise

// Jobs by kernel and target: each of its candidates is tried at each of its shapes.
class Jobs {
public:
    explicit Jobs(const std::string &targets_directory) : targets_(read_targets(targets_directory)) {}

    // A line of tune --list: {"variant", "target", "strategy", "knobs", "rows", "hidden"}.
    void add(const std::string &line) {
        count_++;
        try {
            const json job = json::parse(line);
            Kernel &kernel = of(job.at("variant"), job.at("target"));
            KernelSpec candidate = kernel.tuned.standard;
            job.at("strategy").get_to(candidate.strategy);
            candidate.knobs = json::object();
            candidate = with_knobs(candidate, job.at("knobs"));
            if (const std::string why = refusal(candidate); !why.empty()) {
                throw std::invalid_argument("its candidate is not legal: " + why);
            }
            if (kernel.known.emplace(candidate.strategy, job.at("knobs")).second) {
                kernel.tuned.candidates.push_back(candidate);
            }
            const Shape shape =
                parse_shapes(fmt::format("{}x{}", job.at("rows").get<int64_t>(), job.at("hidden").get<int64_t>()))[0];
            std::vector<Shape> &shapes = kernel.tuned.shapes;
            if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) {
                shapes.push_back(shape);
            }
        } catch (const json::exception &error) {
            throw InputError(fmt::format("job {} is no such line as tune --list prints: {}", count_, error.what()));
        } catch (const std::invalid_argument &error) {
            throw InputError(fmt::format("job {}: {}", count_, error.what()));
        }
    }

    std::vector<Tuned> tuned() const {
        std::vector<Tuned> list;
        for (const Kernel &kernel : kernels_) {
            list.push_back(kernel.tuned);
        }
        return list;
    }

    void expect_to_run_here() const {
        for (const Kernel &kernel : kernels_) {
            norma::expect_to_run_here(*kernel.target, "; expected --emit DIR, to measure elsewhere");
        }
    }

    int count() const { return count_; }

private:
    struct Kernel {
        const TargetFile *target;
        Tuned tuned;
        std::set<std::pair<std::string, json>> known;  // strategies and knobs of its candidates
    };

    Kernel &of(const std::string &variant, const std::string &target_name) {
        const auto [found, is_new] = index_.emplace(std::pair(variant, target_name), kernels_.size());
        if (is_new) {
            const TargetFile &target = find_target(targets_, target_name, fmt::format("job {}", count_));
            const KernelSpec standard = default_spec(parse_name(variant), target);
            kernels_.push_back({&target, {standard, {}, {standard}}, {}});
        }
        return kernels_[found->second];
    }

    std::vector<TargetFile> targets_;
    std::vector<Kernel> kernels_;
    std::map<std::pair<std::string, std::string>, size_t> index_;
    int count_ = 0;
};

void emit(const Jobs &jobs, const TrialOptions &options) {
    const FolderLock lock(options.emit, "name another --emit");
    emit_candidates(jobs.tuned(), {options.emit, require_linker(options), options.limits});
    put_measure_program(options.emit);
}

void measure(const Jobs &jobs, const TrialOptions &options) {
    jobs.expect_to_run_here();
    const TemporaryDirectory directory(fs::temp_directory_path() / "norma-worker");
    const int out = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);  // the result alone goes to stdout
    emit_candidates(jobs.tuned(), {directory.path, require_linker(options), options.limits});
    run_program("measure", measure_command(options, directory.path, directory / "records", options.budget, "none"));
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    for (const Record &record : read_records(directory / "records", [](const std::string &) {})) {
        fmt::print("{}\n", to_line(record));
    }
}

}  // namespace

void add_worker(CLI::App &app, const RunLater &run_later) {
    auto options = std::make_shared<TrialOptions>();
    CLI::App *command =
        app.add_subcommand("worker", "read jobs of tune --list, and write their records, or compile their candidates");
    const CLI::Option *emit_option = add_trial_options(*command, *options);
    const CLI::Option *budget = command->get_option("--budget")->default_str("2s for each job");
    run_later(*command, [options, emit_option, budget] {
        Jobs jobs(options->targets_directory);
        for (std::string line; std::getline(std::cin, line);) {
            jobs.add(line);
        }
        if (jobs.count() == 0) {
            throw InputError("standard input is empty; expected jobs, as tune --list prints them");
        }
        options->budget = budget->empty() ? seconds_of_job * jobs.count() : options->budget;
        emit_option->empty() ? measure(jobs, *options) : emit(jobs, *options);
    });
}

}  // namespace norma
