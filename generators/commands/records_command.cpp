// SPDX-License-Identifier: MIT
#include "records_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "generators/records/current_records.h"
#include "generators/records/export.h"
#include "generators/records/report.h"
#include "generators/records/search_curve.h"
#include "inner_loop.h"
#include "tools/base/child.h"
#include "tools/base/data_directory.h"
#include "tools/base/files.h"
#include "tools/base/messages.h"
#include "tools/base/own_command_line.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

struct Options {
    std::vector<std::string> paths;
    std::string out, kernel, target, against;
    std::string targets_directory = data_directory() / "schedules/targets";
    size_t finalists = 0;  // 0: all records
    bool stale = false, assembly = false;
    LoweredHashes lowered_hashes;
};

std::vector<Record> read(const std::string &path) {
    if (!fs::exists(path)) {
        throw InputError("\"" + path + "\" does not exist; expected a file or directory of records");
    }
    return read_records(path, tell);
}

std::vector<Record> current(const Options &options, const std::string &path) {
    const std::vector<Record> records = read(path);
    return options.stale
               ? records
               : current_records(records, read_targets(options.targets_directory), options.lowered_hashes, path);
}

// A file for each target and op, the lines in the order of their text: the same for the same set of records.
void write(const fs::path &directory, const std::vector<Record> &records) {
    std::map<fs::path, std::set<std::string>> files;
    for (const Record &record : records) {
        files[directory / file_of(record)].insert(to_line(record));
    }
    for (const auto &[path, lines] : files) {
        make_directory(path.parent_path());
        write_if_changed(path, fmt::format("{}\n", fmt::join(lines, "\n")));
    }
}

void merge(const Options &options) {
    std::vector<Record> all;
    for (const std::string &path : options.paths) {
        const std::vector<Record> records = read(path);
        all.insert(all.end(), records.begin(), records.end());
    }
    write(options.out, all);
}

void best(const Options &options) {
    const std::vector<Record> records = current(options, options.paths[0]);
    fmt::print("{}", tables(find_winners(records)));
}

void print_gains(const Options &options) {
    std::vector<Record> all;
    for (const std::string &path : options.paths) {
        const std::vector<Record> records = current(options, path);
        all.insert(all.end(), records.begin(), records.end());
    }
    fmt::print("{}", gains(find_winners(all)));
}

void diff(const Options &options) {
    const std::vector<Record> before = current(options, options.paths[0]), after = current(options, options.paths[1]);
    fmt::print("{}", differences(find_winners(before), find_winners(after)));
}

// Of the kernel that is compiled with the records at `path`.
std::string winners_loop(const Options &options, const Group &group) {
    const TemporaryDirectory directory(fs::temp_directory_path() / "norma-assembly");
    const std::string file = directory / "kernel.s";
    run_program("compile to assembly",
                {fs::read_symlink("/proc/self/exe").string(), "compile", "--kernel", group.variant, "--target",
                 group.target, "--target-files", options.targets_directory, "--records", options.paths[0], "--stage",
                 "assembly", "-o", file});
    return inner_loop(read_file(file));
}

bool on_threads(const Record &record) { return record.threads > 1; }

void report(const Options &options) {
    Report report;
    report.command = own_command_line();
    report.records = current(options, options.paths[0]);
    report.records.erase(std::remove_if(report.records.begin(), report.records.end(), on_threads),
                         report.records.end());
    const std::vector<Group> groups = find_winners(report.records);
    if (!options.against.empty()) {
        const std::vector<Record> other = current(options, options.against);
        report.differences = differences(find_winners(other), groups);
    }
    for (const Group &group : groups) {
        if (options.assembly && group.has_winner()) {
            report.loops[{group.target, group.variant}] = winners_loop(options, group);
        }
    }
    write_if_changed(options.out, report_html(report));
}

// A fact of the search, whatever became of the kernels since.
void curves(const Options &options) { write_if_changed(options.out, curves_csv(read(options.paths[0]))); }

void export_t4(const Options &options) {
    write_if_changed(options.out, t4_results(current(options, options.paths[0])).dump(1) + "\n");
}

// The final trials of each kernel's best candidates: they say which wins, and over what.
std::vector<Record> of_finalists(const std::vector<Record> &records, size_t most) {
    std::vector<Record> kept;
    std::copy_if(records.begin(), records.end(), std::back_inserter(kept), on_threads);
    for (const Group &group : find_winners(records)) {
        for (size_t i = 0; i < std::min(most, group.contenders.size()); i++) {
            for (const auto &[cell, record] : group.contenders[i].cells) {
                kept.push_back(*record);
            }
        }
    }
    return kept;
}

// Leaves the latest record of each trial, and none that is stale.
// Where `write` finds the files of the directory again: it may be the one of a target.
fs::path set_of(const fs::path &directory, const std::vector<Record> &records) {
    const bool of_target = !records.empty() && std::all_of(records.begin(), records.end(), [&](const Record &record) {
        return fs::exists(directory / file_of(record).filename()) &&
               file_of(record).parent_path() == directory.filename();
    });
    return of_target ? directory.parent_path() : directory;
}

void prune(const Options &options) {
    if (!fs::is_directory(options.paths[0])) {
        throw InputError("\"" + options.paths[0] + "\" is no directory; expected one of records");
    }
    const fs::path directory = fs::canonical(options.paths[0]);
    const std::vector<Record> all = read(directory);
    const fs::path set = set_of(directory, all);
    std::vector<Record> records = current(options, directory);
    const std::vector<TargetFile> targets = read_targets(options.targets_directory);
    std::copy_if(all.begin(), all.end(), std::back_inserter(records), [&](const Record &record) {
        const TargetFile *target = with_name(targets, record.target);
        return target != nullptr && !can_judge(*target);  // they may hold
    });
    std::map<std::string, Record> latest;
    for (const Record &record : records) {
        Record &known = latest[key(record)];
        known = known.date <= record.date ? record : known;
    }
    std::vector<Record> kept;
    for (const auto &[text, record] : latest) {
        kept.push_back(record);
    }
    kept = options.finalists == 0 ? kept : of_finalists(kept, options.finalists);
    const std::vector<fs::path> files = record_files(directory);
    write(set, kept);
    std::set<fs::path> written;
    for (const Record &record : kept) {
        written.insert(file_of(record));
    }
    for (const fs::path &file : files) {
        if (written.count(file.lexically_relative(set)) == 0) {
            fs::remove(file);
        }
    }
    fmt::print("{} of {} records are left\n", kept.size(), all.size());
}

void explain(const Options &options) {
    const std::vector<Record> records = current(options, options.paths[0]);
    std::vector<Group> groups = find_winners(records);
    const std::vector<Group> of_tasks = find_winners(records, true);
    groups.insert(groups.end(), of_tasks.begin(), of_tasks.end());
    for (const bool on_threads : {false, true}) {
        for (const Group &group : find_agreed(records, on_threads)) {
            if (group.devices.size() > 1) {
                groups.push_back(group);
            }
        }
    }
    bool any = false;
    for (const Group &group : groups) {
        if (group.variant != options.kernel || (!options.target.empty() && group.target != options.target)) {
            continue;
        }
        any = true;
        fmt::print("{} for {} on {}\n", group.variant, group.target, devices_text(group));
        for (size_t i = 0; i < group.contenders.size(); i++) {
            const Contender &contender = group.contenders[i];
            fmt::print("{} {}\n    {}\n",
                       contender.score == HUGE_VAL ? "    -" : fmt::format("{:.3f}", contender.score), contender.name,
                       !contender.why_not.empty() ? contender.why_not
                       : i == 0                   ? "wins"
                                                  : "might win, but the first does");
            for (const auto &[cell, record] : contender.cells) {
                if (record->ok()) {
                    const std::string control =
                        record->control_ns == 0
                            ? ""
                            : fmt::format(", the default once more {:.0f} ns [{:.0f}, {:.0f}]{}", record->control_ns,
                                          record->control_low, record->control_high,
                                          record->steady() ? "" : ": unsteady");
                    fmt::print(
                        "    {}: {:.0f} ns [{:.0f}, {:.0f}], default {:.0f} ns [{:.0f}, {:.0f}], {} bits, {}{}\n",
                        group.cells[cell], record->ns, record->low, record->high, record->default_ns,
                        record->default_low, record->default_high, record->bits, record->date, control);
                }
            }
        }
        fmt::print("{}\n", group.has_winner() ? "" : "the default is taken");
    }
    if (!any) {
        throw InputError("no final record of --kernel \"" + options.kernel +
                         "\"; expected a kernel that records best prints");
    }
}

}  // namespace

void add_records(CLI::App &app, const RunLater &run_later, const LoweredHashes &lowered_hashes) {
    CLI::App *records = app.add_subcommand("records", "what records of tuning say");
    records->require_subcommand(1);
    auto add = [&](const char *name, const char *what, void (*run)(const Options &), int least, int most) {
        auto options = std::make_shared<Options>();
        options->lowered_hashes = lowered_hashes;
        CLI::App *sub = records->add_subcommand(name, what);
        sub->add_option("paths", options->paths, "files or directories of records")->required()->expected(least, most);
        sub->add_option("--target-files", options->targets_directory, "directory of the target files")
            ->capture_default_str();
        run_later(*sub, [options, run] { run(*options); });
        return std::pair(sub, options);
    };
    auto [merge_command, merge_options] = add("merge", "put several sets into one", merge, 1, 1 << 20);
    merge_command->add_option("--out", merge_options->out, "directory to write")->required();
    for (auto [sub, options] :
         {add("best", "the winner for each kernel", best, 1, 1),
          add("gains", "what the winners gain, for each device, target and op", print_gains, 1, 1 << 20),
          add("diff", "the winners that differ between two sets", diff, 2, 2)}) {
        sub->add_flag("--stale", options->stale, "with stale records");
    }
    auto [prune_command, prune_options] =
        add("prune", "drop what is stale, and all but the latest of each trial", prune, 1, 1);
    prune_command->add_option("--finalists", prune_options->finalists,
                              "also drop all but the final trials of so many candidates of each kernel, the best");
    auto [report_command, report_options] = add("report", "a page with plots, for a browser", report, 1, 1);
    report_command->add_option("--out", report_options->out, "HTML file to write")->required();
    report_command->add_option("--against", report_options->against,
                               "other records, to show the winners that differ from theirs");
    report_command->add_flag("--assembly", report_options->assembly, "with the inner loop of each winner");
    auto [curves_command, curves_options] =
        add("curves", "how good exhaustive searches were at each moment, as CSV", curves, 1, 1);
    curves_command->add_option("--out", curves_options->out, "CSV file to write")->required();
    auto [export_command, export_options] =
        add("export", "write results in the format T4 of other autotuners", export_t4, 1, 1);
    export_command->add_option("--out", export_options->out, "JSON file to write")->required();
    export_command->add_flag("--stale", export_options->stale, "with stale records");
    auto [explain_command, explain_options] = add("explain", "why a kernel's winner wins", explain, 1, 1);
    explain_command->add_option("--kernel", explain_options->kernel)->required();
    explain_command->add_option("--target", explain_options->target);
    explain_command->add_flag("--stale", explain_options->stale, "with stale records");
}

}  // namespace norma
