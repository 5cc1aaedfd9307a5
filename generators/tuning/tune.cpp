// SPDX-License-Identifier: MIT
#include "tune.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include "emit.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/vocabulary/word_lists.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/child.h"
#include "tools/base/data_directory.h"
#include "tools/base/find_program.h"
#include "tools/base/folder_lock.h"
#include "tools/base/json_file.h"
#include "tools/base/messages.h"
#include "tools/base/own_command_line.h"
#include "tools/base/private_folder.h"
#include "tools/base/temporary_directory.h"
#include "tune_grain_size.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Options {
    std::string target, shapes, shard = "1/1", emit, measure, tasks, report, progress = "auto";
    std::string manifest = data_directory() / "manifests/default.json";
    std::string targets_directory = data_directory() / "schedules/targets";
    std::string records = data_directory() / "schedules/records";
    std::string work, seed, linker = "ld";
    Wanted wanted;
    double budget = 600, timeout = 60;
    bool resume = false, exhaustive = false, list = false;
    JobLimits limits;
};

// The one beside this program: one that lies in a folder of work may be anybody's.
fs::path measure_program() { return fs::read_symlink("/proc/self/exe").parent_path() / "norma_measure"; }

// The folder to compile in. What was compiled there before is run, so nobody else may have written it.
fs::path work_folder(const Options &options) {
    if (!options.emit.empty()) {
        return options.emit;
    }
    if (!options.work.empty()) {
        if (const std::string why = make_own(options.work); !why.empty()) {
            throw InputError("--work: " + why + "; expected a directory that this user alone may write");
        }
        return options.work;
    }
    const fs::path folder = user_cache("tune");
    if (folder.empty()) {
        throw InputError("neither HOME nor XDG_CACHE_HOME is set; expected one of them, or --work DIR");
    }
    if (const std::string why = make_user_cache(folder); !why.empty()) {
        throw InputError(why + "; expected a directory that this user alone may write, or another as --work DIR");
    }
    return folder;
}

[[noreturn]] void measure(const Options &options, const fs::path &directory, double budget) {
    std::vector<std::string> words = {measure_program().string(),
                                      directory.string(),
                                      "--records",
                                      options.records,
                                      "--budget",
                                      fmt::format("{}", std::max(0.0, budget)),
                                      "--timeout",
                                      fmt::format("{}", options.timeout),
                                      "--progress",
                                      options.progress};
    if (!options.report.empty()) {
        words.insert(words.end(), {"--report", options.report, "--command", own_command_line()});
    }
    if (options.resume) {
        words.emplace_back("--resume");
    }
    if (options.exhaustive) {
        words.emplace_back("--exhaustive");
    }
    become_program(words);
}

std::string linker(const Options &options) {
    return require_program("tuning", {options.linker}, "on PATH, or another one as --linker").string();
}

// Throws InputError, which ends with `advice`, where this machine does not run the target.
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

void read_shard(const std::string &text, Wanted &wanted) {
    const char *end = text.data() + text.size();
    const auto [slash, error] = std::from_chars(text.data(), end, wanted.shard);
    const bool two = error == std::errc() && slash != end && *slash == '/';
    const auto [rest, second] = std::from_chars(two ? slash + 1 : end, end, wanted.shards);
    if (!two || second != std::errc() || rest != end || wanted.shard < 1 || wanted.shard > wanted.shards) {
        throw InputError("--shard is \"" + text + "\"; expected K/N with K from 1 to N");
    }
}

// What `worker` reads: a line for each candidate and shape.
void print_jobs(const std::vector<Tuned> &tuned) {
    for (const Tuned &kernel : tuned) {
        for (size_t i = 1; i < kernel.candidates.size(); i++) {
            for (const Shape &shape : kernel.shapes) {
                const nlohmann::ordered_json line = {{"variant", name(kernel.standard.variant)},
                                                     {"target", kernel.standard.target.name},
                                                     {"strategy", kernel.candidates[i].strategy},
                                                     {"knobs", all_knobs(kernel.candidates[i])},
                                                     {"rows", shape.first},
                                                     {"hidden", shape.second}};
                fmt::print("{}\n", line.dump());
            }
        }
    }
}

void tune(Options options) {
    if (!options.measure.empty()) {
        measure(options, options.measure, options.budget);
    }
    read_shard(options.shard, options.wanted);
    if (!options.shapes.empty()) {
        options.wanted.shapes = parse_shapes(options.shapes);
    }
    options.wanted.most = options.exhaustive ? 0 : options.wanted.most;
    const Manifest manifest = read_manifest(options.manifest);
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    const std::vector<TargetFile> targets = select_targets(options.target, manifest, known);
    // Stale ones too: they decide nothing but what is tried first.
    const auto not_again = [](const std::string &) {};  // who measures says what is no record
    options.wanted.won = options.seed.empty() ? past_winners(read_records(options.records, not_again))
                                              : past_winners(read_records(options.seed, tell));
    for (const TargetFile &target : targets) {
        if (options.emit.empty() && !options.list) {
            expect_to_run_here(target, "; expected --emit DIR, to measure elsewhere");
        }
    }
    if (!options.tasks.empty()) {
        return tune_grain_size(manifest, targets, options.wanted, options.tasks, options.records, 1,
                               lowered_hashes("", options.limits));
    }
    const std::vector<Tuned> tuned = choose_candidates(manifest, targets, options.wanted);
    if (options.list) {
        return print_jobs(tuned);
    }
    options.linker = linker(options);
    EmitOptions emit = {work_folder(options), options.linker, options.limits};
    const FolderLock lock(emit.directory, options.emit.empty() ? "name another --work" : "name another --emit");
    emit.limits.budget = options.emit.empty() && !options.exhaustive ? 0.4 * options.budget : 0;
    const Clock::time_point start = Clock::now();
    emit_candidates(tuned, emit);
    if (options.emit.empty()) {
        lock.pass_on();
        measure(options, emit.directory, options.budget - std::chrono::duration<double>(Clock::now() - start).count());
    }
    write_if_changed(emit.directory / "norma_measure", read_file(measure_program()));
    fs::permissions(emit.directory / "norma_measure", fs::status(measure_program()).permissions());
}

// One line in, one line out: {"variant", "target", "strategy", "knobs", "rows", "hidden"} to a record.
void work(const Options &options) {
    std::string line;
    if (!std::getline(std::cin, line)) {
        throw InputError("standard input is empty; expected one job, as tune --list prints them");
    }
    json job;
    Tuned tuned;
    try {
        job = json::parse(line);
        const std::vector<TargetFile> targets = read_targets(options.targets_directory);
        const TargetFile &target = find_target(targets, job.at("target"), "target");
        expect_to_run_here(target, "");
        tuned.standard = default_spec(parse_name(job.at("variant")), target);
        KernelSpec candidate = tuned.standard;
        job.at("strategy").get_to(candidate.strategy);
        candidate.knobs = json::object();
        candidate = with_knobs(candidate, job.at("knobs"));
        tuned.candidates = {tuned.standard, candidate};
        tuned.shapes =
            parse_shapes(fmt::format("{}x{}", job.at("rows").get<int64_t>(), job.at("hidden").get<int64_t>()));
        if (const std::string why = refusal(candidate); !why.empty()) {
            throw InputError("the job's candidate is not legal: " + why);
        }
    } catch (const json::exception &error) {
        throw InputError(std::string("the job is no such line as tune --list prints: ") + error.what());
    } catch (const std::invalid_argument &error) {
        throw InputError(std::string("the job: ") + error.what());
    }
    const TemporaryDirectory directory(fs::temp_directory_path() / "norma-worker");
    const int out = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);  // the result alone goes to stdout
    emit_candidates({tuned}, {directory.path, linker(options), options.limits});
    run_program("measure", {measure_program().string(), directory.path.string(), "--records", directory / "records",
                            "--progress", "none", "--budget", fmt::format("{}", options.budget), "--timeout",
                            fmt::format("{}", options.timeout)});
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    for (const Record &record : read_records(directory / "records", [](const std::string &) {})) {
        fmt::print("{}\n", to_line(record));
    }
}

void add_common(CLI::App &command, Options &options) {
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
}

}  // namespace

void add_tune(CLI::App &app, const RunLater &run_later) {
    auto options = std::make_shared<Options>();
    options->limits.at_once = (int)std::max(1u, std::thread::hardware_concurrency());
    CLI::App *command = app.add_subcommand("tune", "find the fastest knobs for a manifest's kernels on this machine");
    add_common(*command, *options);
    auto *target = command->add_option("--target", options->target, "target names with commas between, or host");
    command->add_option("--manifest", options->manifest)->capture_default_str();
    command->add_option("--op", options->wanted.op, "rms_norm, layer_norm_backward, ...")
        ->check(CLI::IsMember(all_op_names()));
    command->add_option("--dtype", options->wanted.dtype, "type of x, or x:y where y (or dy) has another");
    command->add_option("--shapes", options->shapes, "rows x hidden, as in 512x4096,65536x128");
    command->add_option("--shard", options->shard, "K/N: every N-th kernel, from the K-th on");
    command
        ->add_option("--candidates", options->wanted.most,
                     "most candidates for a kernel, the nearest to the default; 0: all")
        ->capture_default_str();
    command
        ->add_option(
            "--seed", options->seed,
            "records; what won there for any kernel of the target is tried first, whatever the nearest are [those "
            "of --records]")
        ->check(CLI::ExistingPath);
    command->add_option("--records", options->records, "directory of records to add to")->capture_default_str();
    command->add_option("--report", options->report, "HTML file to write");
    command->add_option("--progress", options->progress, "auto, json or none")
        ->check(CLI::IsMember({"auto", "json", "none"}));
    command->add_option("--work", options->work, "directory of compiled candidates [~/.cache/norma/tune]");
    command->add_flag("--resume", options->resume, "take trials that the records hold");
    command->add_flag("--exhaustive", options->exhaustive,
                      "also measure every candidate at length, to print the regret");
    command->add_flag("--every", options->wanted.every,
                      "every kernel, also those that differ from a tuned one in types of weight and bias or the "
                      "contract alone, and would take its knobs");
    command->add_flag("--same-bits", options->wanted.same_bits, "only candidates with the bits of the default");
    std::vector<std::string> strategies;
    for (const Strategy *strategy : strategies_to_tune()) {
        strategies.emplace_back(strategy->name);
    }
    auto *strategy =
        command->add_option("--strategy", options->wanted.strategies, "only candidates of these, with commas between")
            ->delimiter(',')
            ->check(CLI::IsMember(strategies));
    command->add_flag("!--no-autoschedulers", options->wanted.autoschedulers, "without Halide's autoschedulers beside")
        ->excludes(strategy);
    auto *list = command->add_flag("--list", options->list, "print a job for each trial, for worker");
    auto *emit = command->add_option("--emit", options->emit, "compile to this directory, and do not measure");
    auto *measure = command->add_option("--measure", options->measure, "measure what --emit wrote, and do not compile");
    auto *tasks = command
                      ->add_option("--tasks", options->tasks,
                                   "tune only from how many elements on a thread is worth it, by this norma command")
                      ->check(CLI::ExistingFile);
    list->excludes(emit, measure, tasks);
    emit->excludes(measure, tasks);
    measure->excludes(tasks);
    run_later(*command, [options, target, measure] {
        if (target->empty() == measure->empty()) {
            throw InputError("expected --target, or --measure");
        }
        tune(*options);
    });

    auto worker = std::make_shared<Options>(*options);
    worker->budget = 2;
    CLI::App *work_command = app.add_subcommand("worker", "read one job of tune --list, write its record");
    add_common(*work_command, *worker);
    run_later(*work_command, [worker] { work(*worker); });
}

}  // namespace norma
