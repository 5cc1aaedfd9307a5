// SPDX-License-Identifier: MIT
#include "tune.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <memory>

#include "emit.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "runtime/vocabulary/word_lists.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/child.h"
#include "tools/base/data_directory.h"
#include "tools/base/folder_lock.h"
#include "tools/base/json_file.h"
#include "tools/base/messages.h"
#include "tools/base/own_command_line.h"
#include "tools/base/private_folder.h"
#include "trial_options.h"
#include "tune_grain_size.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Options : TrialOptions {
    std::string target, shapes, shard = "1/1", measure, tasks, report, progress = "auto";
    std::string manifest = data_directory() / "manifests/default.json";
    std::string records = data_directory() / "schedules/records";
    std::string work, seed;
    Wanted wanted;
    bool resume = false, exhaustive = false, list = false;
};

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
    std::vector<std::string> words = measure_command(options, directory, options.records, budget, options.progress);
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
    const std::string linker = require_linker(options);
    EmitOptions emit = {work_folder(options), linker, options.limits};
    const FolderLock lock(emit.directory, options.emit.empty() ? "name another --work" : "name another --emit");
    emit.limits.budget = options.emit.empty() && !options.exhaustive ? 0.4 * options.budget : 0;
    const Clock::time_point start = Clock::now();
    emit_candidates(tuned, emit);
    if (options.emit.empty()) {
        lock.pass_on();
        const double compilation = std::chrono::duration<double>(Clock::now() - start).count();
        measure(options, emit.directory, options.budget - (options.exhaustive ? 0 : compilation));
    }
    put_measure_program(emit.directory);
}

}  // namespace

void add_tune(CLI::App &app, const RunLater &run_later) {
    auto options = std::make_shared<Options>();
    CLI::App *command = app.add_subcommand("tune", "find the fastest knobs for a manifest's kernels on this machine");
    CLI::Option *emit = add_trial_options(*command, *options);
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
        ->check(CLI::Number)  // an empty argument would be 0
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
}

}  // namespace norma
