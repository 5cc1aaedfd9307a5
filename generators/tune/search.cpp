// SPDX-License-Identifier: MIT
#include "search.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "normagen/child.h"
#include "normagen/json_file.h"
#include "trial.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr int last_rung = 2;
constexpr double longer = 4;  // a rung's trial than the one before
constexpr size_t quarter = 4;
constexpr size_t least = 4;       // candidates of a rung
constexpr double overhead = 0.1;  // seconds of a trial that are not its timing: process, tensors, check
constexpr double shortest = 0.01, longest = 0.15;  // seconds of a first trial

size_t promoted(size_t candidates) {
    return std::min(candidates, std::max(least, (candidates + quarter - 1) / quarter));
}

// Seconds that all rungs take where a first trial has `first`.
double cost(size_t candidates, size_t shapes, double first) {
    double sum = 0, seconds = first;
    for (int rung = 0; rung <= last_rung; rung++, seconds *= longer) {
        sum += (double)candidates * (double)shapes * (seconds + overhead);
        candidates = promoted(candidates);
    }
    return sum;
}

// In a process of its own: what the trial says, or how it ended.
json run_apart(const Trial &trial, double timeout) {
    const std::string mark = "\ntrial: ";
    auto work = [&] {
        fmt::print("{}{}\n", mark, run_trial(trial).dump());
        fflush(stdout);
    };
    Child child(work, std::chrono::duration<double>(timeout));
    while (!child.ended()) {
        pollfd wake_up = child.wake_up();
        poll(&wake_up, 1, 20);
    }
    const std::string &output = child.output();
    if (!child.failure().empty()) {
        const size_t end = output.find_last_not_of('\n');
        const size_t line = output.rfind('\n', end) + 1;
        const std::string last = output.empty() || end == output.npos ? "" : ": " + output.substr(line, end + 1 - line);
        return {{"why", child.failure() + last}};
    }
    const size_t at = output.rfind(mark);
    return at == output.npos ? json{{"why", "its process said nothing"}} : json::parse(output.substr(at + mark.size()));
}

}  // namespace

JobsFile read_jobs(const std::filesystem::path &directory) {
    const std::filesystem::path path = directory / "jobs.json";
    const json text = read_json(path);
    try {
        JobsFile jobs;
        text.at("halide").get_to(jobs.halide);
        const std::string base = std::filesystem::absolute(directory).string();
        for (const json &from : text.at("groups")) {
            TuneGroup group;
            from.at("variant").get_to(group.variant);
            from.at("target").get_to(group.target);
            group.run_time = from.at("run_time");
            group.default_knobs = from.at("default_knobs");
            from.at("shapes").get_to(group.shapes);
            group.oracle = parse_kernel_file(from.at("oracle"), base);
            for (const json &entry : from.at("candidates")) {
                Candidate candidate;
                entry.at("strategy").get_to(candidate.strategy);
                entry.at("source").get_to(candidate.source);
                entry.at("promises").get_to(candidate.promises);
                candidate.knobs = entry.at("knobs");
                candidate.why = entry.value("why", "");
                if (candidate.why.empty()) {
                    candidate.file = parse_kernel_file(entry, base);
                }
                group.candidates.push_back(candidate);
            }
            if (group.candidates.empty() || !group.candidates.front().why.empty()) {
                throw InputError(path.string() + ": " + group.variant + " has no default to compare with");
            }
            jobs.groups.push_back(group);
        }
        return jobs;
    } catch (const json::exception &error) {
        throw InputError(path.string() + ": no jobs: " + error.what());
    }
}

Search::Search(const JobsFile &jobs, const json &device, const SearchOptions &options, std::vector<Record> known,
               std::function<void(const Record &)> add)
    : jobs_(jobs), device_(device), options_(options), add_(std::move(add)) {
    for (const Record &record : known) {
        known_[key(record)] = record;
    }
}

Record Search::trial(const TuneGroup &group, const Candidate &candidate, size_t shape, int rung, double seconds) {
    Record record;
    record.variant = group.variant;
    record.target = group.target;
    record.strategy = candidate.strategy;
    record.halide = jobs_.halide;
    record.source = candidate.source;
    record.device = device_;
    record.knobs = candidate.knobs;
    record.default_knobs = group.default_knobs;
    record.rows = group.shapes[shape].first;
    record.hidden = group.shapes[shape].second;
    record.rung = rung;
    record.final = rung == last_rung;
    record.promises = candidate.promises;
    if (auto found = known_.find(key(record)); found != known_.end()) {
        reused_++;
        return found->second;
    }
    show_(record);
    json result = {{"why", candidate.why}};
    if (candidate.why.empty()) {
        const Trial trial = {
            parse_name(group.variant),     record.rows,    record.hidden,      group.run_time, group.oracle,
            group.candidates.front().file, candidate.file, candidate.promises, seconds};
        result = run_apart(trial, options_.timeout + (1 + most_repeats) * seconds);
    }
    record.date = now_utc();
    record.why = result.value("why", "");
    if (record.ok()) {
        record.ns = result.at("ns");
        record.low = result.at("interval").at(0);
        record.high = result.at("interval").at(1);
        record.default_ns = result.at("default_ns");
        record.default_low = result.at("default_interval").at(0);
        record.default_high = result.at("default_interval").at(1);
        record.copy_ns = result.at("copy_ns");
        record.bytes = result.at("bytes");
        record.bits = result.at("bits");
        record.rounds = result.at("rounds");
        record.repeats = result.at("repeats");
    }
    record.ok() ? measured_++ : failed_++;
    known_[key(record)] = record;
    add_(record);
    return record;
}

std::vector<Search::Standing> Search::measure(const TuneGroup &group, const std::vector<const Candidate *> &candidates,
                                              int rung, double seconds) {
    std::vector<Standing> standings;
    for (const Candidate *candidate : candidates) {
        std::vector<double> ratios;
        double sum = 0;
        bool good = true;
        for (size_t shape = 0; shape < group.shapes.size() && good; shape++) {
            const Record record = trial(group, *candidate, shape, rung, seconds);
            good = record.ok();
            ratios.push_back(good ? record.ratio() : 0);
            sum += good ? std::log(ratios.back()) : 0;
        }
        if (good) {
            standings.push_back({candidate, ratios, std::exp(sum / (double)group.shapes.size())});
        }
    }
    std::stable_sort(standings.begin(), standings.end(),
                     [](const Standing &a, const Standing &b) { return a.score < b.score; });
    return standings;
}

void Search::run(const TuneGroup &group, double seconds, const std::function<void(const Record &)> &show) {
    show_ = show;
    std::vector<const Candidate *> alive, beside;
    for (size_t i = 1; i < group.candidates.size(); i++) {
        (group.candidates[i].promises ? alive : beside).push_back(&group.candidates[i]);
    }
    // The farthest from the default go first where there is no time for all.
    const size_t shapes = group.shapes.size();
    const double rest = (double)(beside.size() * shapes) * (overhead + shortest * longer * longer);
    double first = longest;
    while (first > shortest && cost(alive.size(), shapes, first) + rest > seconds) {
        first /= 1.3;
    }
    first = std::max(first, shortest);
    while (!options_.exhaustive && alive.size() > least && cost(alive.size(), shapes, first) + rest > seconds) {
        alive.pop_back();
    }
    const std::vector<const Candidate *> all = alive;
    const Standing of_default = {&group.candidates.front(), std::vector<double>(shapes, 1.0), 1};
    Standing found = of_default;
    for (int rung = 0; rung <= last_rung; rung++, first *= longer) {
        if (rung < last_rung && promoted(alive.size()) == alive.size()) {
            continue;  // it would drop none
        }
        std::vector<const Candidate *> next;
        const std::vector<Standing> standings = measure(group, alive, rung, first);
        for (const Standing &standing : standings) {
            next.push_back(standing.candidate);
        }
        found = !standings.empty() && standings.front().score < 1 ? standings.front() : of_default;
        next.resize(std::min(next.size(), rung < last_rung ? promoted(alive.size()) : next.size()));
        alive = next;
    }
    measure(group, beside, last_rung, first / longer);
    if (options_.exhaustive) {
        compare(group, found, measure(group, all, last_rung, first / longer));
    }
}

void Search::compare(const TuneGroup &group, const Standing &found, const std::vector<Standing> &all) {
    double best = std::min(1.0, all.empty() ? 1.0 : all.front().score);  // the default is at 1
    regrets_.push_back({group.variant, group.target, "all shapes", found.score, best});
    for (size_t shape = 0; shape < group.shapes.size(); shape++) {
        best = 1;
        for (const Standing &standing : all) {
            best = std::min(best, standing.ratios[shape]);
        }
        const auto [rows, hidden] = group.shapes[shape];
        regrets_.push_back(
            {group.variant, group.target, fmt::format("{}x{}", rows, hidden), found.ratios[shape], best});
    }
}

}  // namespace norma
