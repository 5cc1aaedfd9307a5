// SPDX-License-Identifier: MIT
#include "records_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "../tune/report.h"
#include "files.h"
#include "recorded_knobs.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

struct Options {
    std::vector<std::string> paths;
    std::string out, kernel, target;
    std::string targets_directory = NORMA_SOURCE_DIR "/schedules/targets";
    bool stale = false;
};

void complain(const std::string &what) { fmt::print(stderr, "normagen: {}\n", what); }

std::vector<Record> read(const std::string &path) {
    if (!fs::exists(path)) {
        throw InputError("\"" + path + "\" does not exist; expected a file or directory of records");
    }
    return read_records(path, complain);
}

std::vector<Record> current(const Options &options, const std::string &path) {
    if (!fs::exists(path)) {
        throw InputError("\"" + path + "\" does not exist; expected a file or directory of records");
    }
    return options.stale ? read_records(path, complain)
                         : current_records(path, read_targets(options.targets_directory));
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
    fmt::print("{}", winners_table(find_winners(records)));
}

using Winners = std::map<std::string, std::string>;

Winners winners(const std::vector<Record> &records) {
    Winners named;
    for (const Group &group : find_winners(records)) {
        named[group.target + " " + group.variant] =
            group.has_winner()
                ? fmt::format("{} ({:.3f})", group.contenders.front().name, group.contenders.front().score)
                : "the default";
    }
    return named;
}

void diff(const Options &options) {
    const Winners before = winners(current(options, options.paths[0])),
                  after = winners(current(options, options.paths[1]));
    std::set<std::string> kernels;
    for (const Winners *side : {&before, &after}) {
        for (const auto &[kernel, winner] : *side) {
            kernels.insert(kernel);
        }
    }
    auto at = [](const Winners &side, const std::string &kernel) {
        return side.count(kernel) != 0 ? side.at(kernel) : std::string("no records");
    };
    for (const std::string &kernel : kernels) {
        if (at(before, kernel) != at(after, kernel)) {
            fmt::print("{}\n- {}\n+ {}\n", kernel, at(before, kernel), at(after, kernel));
        }
    }
}

// Leaves the latest record of each trial, and none that is stale.
void prune(const Options &options) {
    const fs::path directory = options.paths[0];
    if (!fs::is_directory(directory)) {
        throw InputError("\"" + directory.string() + "\" is no directory; expected one of records");
    }
    const std::vector<Record> all = read(directory), records = current(options, directory);
    std::map<std::string, Record> latest;
    for (const Record &record : records) {
        Record &known = latest[key(record)];
        known = known.date <= record.date ? record : known;
    }
    std::vector<Record> kept;
    for (const auto &[text, record] : latest) {
        kept.push_back(record);
    }
    std::vector<fs::path> files;
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(directory)) {
        if (entry.path().extension() == ".jsonl") {
            files.push_back(entry.path());
        }
    }
    write(directory, kept);
    for (const fs::path &file : files) {
        const bool has = std::any_of(kept.begin(), kept.end(), [&](const Record &record) {
            return fs::weakly_canonical(directory / file_of(record)) == fs::weakly_canonical(file);
        });
        if (!has) {
            fs::remove(file);
        }
    }
    fmt::print("{} of {} records are left\n", kept.size(), all.size());
}

void explain(const Options &options) {
    const std::vector<Record> records = current(options, options.paths[0]);
    bool any = false;
    for (const Group &group : find_winners(records)) {
        if (group.variant != options.kernel || (!options.target.empty() && group.target != options.target)) {
            continue;
        }
        any = true;
        fmt::print("{} for {}\n", group.variant, group.target);
        for (size_t i = 0; i < group.contenders.size(); i++) {
            const Contender &contender = group.contenders[i];
            fmt::print("{} {}\n    {}\n",
                       contender.score == HUGE_VAL ? "    -" : fmt::format("{:.3f}", contender.score), contender.name,
                       !contender.why_not.empty() ? contender.why_not
                       : i == 0                   ? "wins"
                                                  : "might win, but the first does");
            for (size_t cell = 0; cell < group.cells.size(); cell++) {
                const Record *record = contender.cells[cell];
                if (record != nullptr && record->ok()) {
                    fmt::print("    {}: {:.0f} ns [{:.0f}, {:.0f}], default {:.0f} ns [{:.0f}, {:.0f}], {} bits, {}\n",
                               group.cells[cell], record->ns, record->low, record->high, record->default_ns,
                               record->default_low, record->default_high, record->bits, record->date);
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

void add_records(CLI::App &app, const RunLater &run_later) {
    CLI::App *records = app.add_subcommand("records", "what records of tuning say");
    records->require_subcommand(1);
    auto add = [&](const char *name, const char *what, void (*run)(const Options &), int least, int most) {
        auto options = std::make_shared<Options>();
        CLI::App *sub = records->add_subcommand(name, what);
        sub->add_option("paths", options->paths, "files or directories of records")->required()->expected(least, most);
        sub->add_option("--target-files", options->targets_directory, "directory of the target files")
            ->capture_default_str();
        run_later(*sub, [options, run] { run(*options); });
        return std::pair(sub, options);
    };
    auto [merge_command, merge_options] = add("merge", "put several sets into one", merge, 1, 1 << 20);
    merge_command->add_option("--out", merge_options->out, "directory to write")->required();
    for (auto [sub, options] : {add("best", "the winner for each kernel", best, 1, 1),
                                add("diff", "the winners that differ between two sets", diff, 2, 2)}) {
        sub->add_flag("--stale", options->stale, "with records of other sources");
    }
    add("prune", "drop what is stale, and all but the latest of each trial", prune, 1, 1);
    auto [explain_command, explain_options] = add("explain", "why a kernel's winner wins", explain, 1, 1);
    explain_command->add_option("--kernel", explain_options->kernel)->required();
    explain_command->add_option("--target", explain_options->target);
    explain_command->add_flag("--stale", explain_options->stale, "with records of other sources");
}

}  // namespace norma
