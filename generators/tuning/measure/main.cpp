// SPDX-License-Identifier: MIT
// norma_measure DIR: measures the candidates that `normagen tune --emit DIR` compiled, on a machine that needs neither
// a compiler nor Halide, and writes records. docs/tuning.md describes it.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <map>

#include "device.h"
#include "generators/records/report.h"
#include "generators/records/winners.h"
#include "search.h"
#include "tools/base/command_line.h"
#include "tools/base/files.h"
#include "tools/base/leftovers.h"
#include "tools/base/messages.h"
#include "tools/base/own_command_line.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"

namespace norma {

namespace {

using nlohmann::json;

std::atomic<bool> interrupted = false;  // by Ctrl-C: no trial is begun then

struct Options {
    std::string directory, records, report, command, progress = "auto";
    bool resume = false;
    SearchOptions search;
};

// Each kernel gets the device that it runs on; those that none runs go.
void find_devices(JobsFile &jobs) {
    std::map<const bench::DeviceKind *, json> first;
    for (TuneGroup &group : jobs.groups) {
        json &device = first[group.kind];
        device = device.is_null() ? describe_first(*group.kind) : device;
        group.device = device;
    }
    auto runs = [](const TuneGroup &group) { return group.kind->runs(group.device, group.capability); };
    const auto others = std::stable_partition(jobs.groups.begin(), jobs.groups.end(), runs);
    if (others == jobs.groups.end()) {
        return;
    }
    const std::string what = fmt::format("{} of {} kernels are for {}", jobs.groups.end() - others, jobs.groups.size(),
                                         others->kind->why_not(others->device));
    if (others == jobs.groups.begin()) {
        throw InputError(what + "; expected one that runs them");
    }
    tell(what);
    jobs.groups.erase(others, jobs.groups.end());
}

// One line on a terminal, elsewhere one every few seconds; JSON lines where asked.
class Display {
public:
    Display(const std::string &progress, size_t groups, double budget)
        : json_(progress == "json"), terminal_(progress == "auto"), groups_(groups), budget_(budget) {}

    void begin(size_t group) {
        group_ = group;
        best_ = 1;
        to_copy_ = 0;
    }

    void show(const Record &record) {
        if (terminal_ && line_.visible()) {
            line_.show(fmt::format("[{}/{}] {:.0f} s left, best {:.3f} of the default{}, {} {} rung {}", group_ + 1,
                                   groups_, std::max(0.0, budget_ - seconds()), best_,
                                   to_copy_ > 0 ? fmt::format(", {:.2f} of a copy", to_copy_) : "", bucket(record),
                                   record.variant, record.rung));
        }
    }

    void add(const Record &record) {
        if (record.ok() && record.promises && record.ratio() < best_) {
            best_ = record.ratio();
            to_copy_ = record.copy_ns > 0 ? record.ns / record.copy_ns : 0;
        }
        trials_++;
        if (json_) {
            const json line = {{"group", group_ + 1},
                               {"groups", groups_},
                               {"trials", trials_},
                               {"best", best_},
                               {"to_copy", to_copy_},
                               {"seconds", seconds()},
                               {"record", json::parse(to_line(record))}};
            fmt::print("{}\n", line.dump());
            fflush(stdout);
        }
    }

    void clear() const {
        if (terminal_) {
            line_.clear();
        }
    }
    double seconds() const { return line_.seconds(); }

private:
    bool json_, terminal_;
    size_t groups_, group_ = 0;
    double budget_;
    int trials_ = 0;
    double best_ = 1, to_copy_ = 0;
    Progress line_{Progress::lines};
};

// The records of these kernels on their devices, whatever candidates and shapes they are of.
std::vector<Record> of_these_kernels(const std::vector<Record> &records, const JobsFile &jobs) {
    std::map<std::pair<std::string, std::string>, const TuneGroup *> groups;
    for (const TuneGroup &group : jobs.groups) {
        groups[{group.variant, group.target}] = &group;
    }
    std::vector<Record> list;
    std::copy_if(records.begin(), records.end(), std::back_inserter(list), [&](const Record &record) {
        const auto found = groups.find({record.variant, record.target});
        return found != groups.end() && record.device == found->second->device && record.halide == jobs.halide &&
               record.lowered == found->second->lowered && record.default_knobs == found->second->default_knobs;
    });
    return list;
}

void run(const Options &options) {
    JobsFile jobs = read_jobs(options.directory);
    find_devices(jobs);
    const RecordFile file(options.records);
    // What is known counts when the winners are found, as it does for the next library.
    std::vector<Record> all = of_these_kernels(read_records(options.records, tell), jobs);
    Display display(options.progress, jobs.groups.size(), options.search.budget);
    const auto add = [&](const Record &record) {
        file.add(record);
        all.push_back(record);
        display.add(record);
    };
    const auto apart = [](const Trial &trial, double timeout) {
        return run_in_subprocess([&] { return run_trial(trial); }, timeout);
    };
    const auto now = [] { return interrupted ? HUGE_VAL : steady_seconds(); };
    Search search(jobs, options.search, options.resume ? all : std::vector<Record>(), add, {apart, now});
    size_t left_out = 0;
    for (size_t i = 0; i < jobs.groups.size(); i++) {
        display.begin(i);
        left_out +=
            search.run(jobs.groups[i], jobs.groups.size() - i, [&](const Record &record) { display.show(record); }) ? 0
                                                                                                                    : 1;
    }
    display.clear();
    if (options.progress != "json") {
        fmt::print("{}\n{} trials, {} taken from records, {} failed, in {:.1f} s\n", tables(find_winners(all)),
                   search.measured(), search.reused(), search.failed(), display.seconds());
        if (left_out != 0) {
            fmt::print("{} of {} kernels left out: there was no time for them; --resume goes on\n", left_out,
                       jobs.groups.size());
        }
        for (const Search::Regret &regret : search.regrets()) {
            fmt::print("regret {:.1f} % at {}: found {:.3f} of the default's time, best {:.3f}: {} for {}\n",
                       100 * (regret.found / regret.best - 1), regret.where, regret.found, regret.best, regret.variant,
                       regret.target);
        }
    }
    if (!options.report.empty()) {
        write_if_changed(options.report,
                         report_html({all, options.command.empty() ? own_command_line() : options.command, "", {}}));
        write_to_stderr(fmt::format("report: {}\n", one_line(options.report)));
    }
}

int main(int argc, char **argv) {
    Options options;
    CLI::App app("Measures the candidates that normagen tune --emit compiled, and writes records.", "norma_measure");
    app.add_option("directory", options.directory, "what --emit wrote")->required();
    app.add_option("--records", options.records, "directory of records to add to")->required();
    app.add_option("--report", options.report, "HTML file to write");
    app.add_option("--command", options.command, "for the report: what was called")->group("");
    app.add_option("--budget", options.search.budget, "seconds")->check(CLI::Range(0.0, 1e7))->capture_default_str();
    app.add_option("--timeout", options.search.timeout, "seconds for one trial")
        ->check(CLI::Range(0.001, 86400.0))
        ->capture_default_str();
    app.add_option("--progress", options.progress, "auto, json or none")
        ->check(CLI::IsMember({"auto", "json", "none"}));
    app.add_flag("--resume", options.resume, "take trials that the records hold");
    app.add_flag("--exhaustive", options.search.exhaustive,
                 "also measure every candidate at length, to print the regret");
    return exit_status(app, [&] {
        app.parse(argc, argv);
        signal(SIGPIPE, SIG_IGN);
        ask_on_interrupt(interrupted);
        run(options);
        if (interrupted) {
            fflush(nullptr);
            kill(getpid(), SIGINT);
            pause();
        }
    });
}

}  // namespace

}  // namespace norma

int main(int argc, char **argv) { return norma::main(argc, argv); }
