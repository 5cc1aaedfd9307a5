// SPDX-License-Identifier: MIT
#include "search.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "pool.h"
#include "runtime/vocabulary/variant_name.h"
#include "tools/base/child.h"
#include "tools/base/json_file.h"
#include "tools/base/now_utc.h"
#include "tools/base/subprocess.h"
#include "trial.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr int last_rung = 2;
constexpr double longer = 4;  // a rung's trial than the one before
constexpr size_t quarter = 4;
constexpr size_t least = 4;                          // candidates of a rung
constexpr double shortest = 0.0025, longest = 0.04;  // seconds of a first trial, for each function
constexpr size_t at_once = 12;                       // candidates of a trial
constexpr int last_processes = 3;                    // that make a trial of the last rung
constexpr int least_rounds = 7, least_rounds_of_each = 3;

int processes(int rung) { return rung == last_rung ? last_processes : 1; }
int min_rounds(int rung) { return rung == last_rung ? least_rounds_of_each : least_rounds; }

size_t promoted(size_t candidates) {
    return std::min(candidates, std::max(least, (candidates + quarter - 1) / quarter));
}

using Shapes = std::vector<std::pair<int64_t, int64_t>>;

// Seconds of a rung's trials of so many candidates at all shapes, as a machine of today takes them.
double cost_of_rung(size_t candidates, const Shapes &shapes, int rung, double seconds) {
    double sum = 0;
    const double trials = std::ceil((double)candidates / at_once);
    for (const auto &[rows, hidden] : shapes) {
        const double elements = (double)rows * (double)hidden;
        const double make_and_check = 0.05 + 1e-8 * elements;
        const double calls = 3.0 * (min_rounds(rung) + 1) * 0.5e-9 * elements;  // of three two make it warm
        sum += processes(rung) * (trials * make_and_check + ((double)candidates + controls * trials) *
                                                                std::max(seconds / processes(rung), calls));
    }
    return sum;
}

bool is_left_out(size_t candidates, int rung) {  // a rung that would drop none
    return rung < last_rung && promoted(candidates) == candidates;
}

// Of this rung, whose trials take so many seconds, and those after it.
double cost(size_t candidates, const Shapes &shapes, int rung, double seconds) {
    double sum = 0;
    for (; rung <= last_rung; rung++, seconds *= longer) {
        if (!is_left_out(candidates, rung)) {
            sum += cost_of_rung(candidates, shapes, rung, seconds);
            candidates = promoted(candidates);
        }
    }
    return sum;
}

double seconds_between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
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
            from.at("lowered").get_to(group.lowered);
            group.default_knobs = from.at("default_knobs");
            from.at("shapes").get_to(group.shapes);
            group.kind = &bench::device_kind(from.at("device").get<std::string>());
            from.at("capability").get_to(group.capability);
            group.oracle = parse_kernel_file(from.at("oracle"), base);
            for (const json &entry : from.at("candidates")) {
                Candidate candidate;
                entry.at("strategy").get_to(candidate.strategy);
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

Search::Search(const JobsFile &jobs, const SearchOptions &options, const std::vector<Record> &known,
               std::function<void(const Record &)> add)
    : jobs_(jobs), options_(options), add_(std::move(add)) {
    for (const Record &record : known) {
        known_[key(record)] = record;
    }
}

Record Search::unmeasured(const TuneGroup &group, const Candidate &candidate, size_t shape, int rung) const {
    Record record;
    record.variant = group.variant;
    record.target = group.target;
    record.strategy = candidate.strategy;
    record.halide = jobs_.halide;
    record.lowered = group.lowered;
    record.device = group.device;
    record.knobs = candidate.knobs;
    record.default_knobs = group.default_knobs;
    record.rows = group.shapes[shape].first;
    record.hidden = group.shapes[shape].second;
    record.rung = rung;
    record.final = rung == last_rung;
    record.promises = candidate.promises;
    return record;
}

void Search::keep(Record record, const json &result) {
    record.date = now_utc();
    record.why = result.value("why", "");
    if (record.ok()) {
        record.ns = result.at("ns");
        record.low = result.at("interval").at(0);
        record.high = result.at("interval").at(1);
        record.default_ns = result.at("default_ns");
        record.default_low = result.at("default_interval").at(0);
        record.default_high = result.at("default_interval").at(1);
        record.control_ns = result.at("control_ns");
        record.control_low = result.at("control_interval").at(0);
        record.control_high = result.at("control_interval").at(1);
        record.copy_ns = result.at("copy_ns");
        record.bytes = result.at("bytes");
        record.bits = result.at("bits");
        record.cache = record.device.contains("gpu") ? "flushed before each call" : "warm";
        record.rounds = result.at("rounds");
        record.repeats = result.at("repeats");
    }
    record.ok() ? measured_++ : failed_++;
    known_[key(record)] = record;
    add_(record);
}

void Search::try_together(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape,
                          int rung, double seconds) {
    Trial trial = {parse_name(group.variant),
                   group.shapes[shape].first,
                   group.shapes[shape].second,
                   group.oracle,
                   {group.candidates.front().file, group.default_knobs, true},
                   {},
                   seconds / processes(rung),
                   min_rounds(rung)};
    for (const Candidate *candidate : candidates) {
        trial.candidates.push_back({candidate->file, candidate->knobs, candidate->promises});
    }
    show_(unmeasured(group, *candidates.front(), shape, rung));
    const double timing = trial.seconds * (double)(candidates.size() + controls) * (1 + most_repeats);
    std::vector<json> of_processes;
    for (int process = 0; process < processes(rung); process++) {
        json results = run_in_subprocess([&] { return run_trial(trial); }, options_.timeout + timing);
        if (!results.is_array()) {  // a candidate ended it
            for (const Candidate *candidate : candidates) {
                if (candidates.size() == 1) {
                    keep(unmeasured(group, *candidate, shape, rung), results);
                } else {
                    try_together(group, {candidate}, shape, rung, seconds);
                }
            }
            return;
        }
        of_processes.push_back(std::move(results));
    }
    for (size_t i = 0; i < candidates.size(); i++) {
        std::vector<json> of_candidate;
        for (const json &results : of_processes) {
            of_candidate.push_back(results[i]);
        }
        keep(unmeasured(group, *candidates[i], shape, rung), pooled(of_candidate));
    }
}

void Search::try_all(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape, int rung,
                     double seconds) {
    std::vector<const Candidate *> together;
    for (const Candidate *candidate : candidates) {
        const Record record = unmeasured(group, *candidate, shape, rung);
        if (known_.count(key(record)) != 0) {
            reused_++;
        } else if (!candidate->why.empty()) {
            keep(record, {{"why", candidate->why}});
        } else {
            together.push_back(candidate);
        }
    }
    for (size_t begin = 0; begin < together.size(); begin += at_once) {
        const size_t end = std::min(together.size(), begin + at_once);
        try_together(group, {together.begin() + (ptrdiff_t)begin, together.begin() + (ptrdiff_t)end}, shape, rung,
                     seconds);
    }
}

std::vector<Search::Standing> Search::measure(const TuneGroup &group, const std::vector<const Candidate *> &candidates,
                                              int rung, double seconds) {
    std::map<const Candidate *, std::vector<double>> ratios;
    std::vector<const Candidate *> good = candidates;
    for (size_t shape = 0; shape < group.shapes.size(); shape++) {
        try_all(group, good, shape, rung, seconds);
        std::vector<const Candidate *> still;
        for (const Candidate *candidate : good) {
            const Record &record = known_.at(key(unmeasured(group, *candidate, shape, rung)));
            if (record.ok()) {
                still.push_back(candidate);
                ratios[candidate].push_back(record.ratio());
            }
        }
        good = still;
    }
    std::vector<Standing> standings;
    for (const Candidate *candidate : good) {
        double sum = 0;
        for (double ratio : ratios[candidate]) {
            sum += std::log(ratio);
        }
        standings.push_back({candidate, ratios[candidate], std::exp(sum / (double)group.shapes.size())});
    }
    std::stable_sort(standings.begin(), standings.end(),
                     [](const Standing &a, const Standing &b) { return a.score < b.score; });
    return standings;
}

std::vector<Search::Standing> Search::halve(const TuneGroup &group, std::vector<const Candidate *> alive, double first,
                                            Clock::time_point stop) {
    std::vector<Standing> standings;
    for (int rung = 0; rung <= last_rung; rung++, first *= longer) {
        if (is_left_out(alive.size(), rung)) {
            continue;
        }
        const Clock::time_point start = Clock::now();
        const double expected = cost_of_rung(alive.size(), group.shapes, rung, first);
        standings = measure(group, alive, rung, first);
        if (rung < last_rung) {
            standings.resize(std::min(standings.size(), promoted(alive.size())));
            // As slowly as this rung went, the next ones may have no time for all.
            const double pace = std::max(1.0, seconds_between(start, Clock::now()) / expected);
            const double left = seconds_between(Clock::now(), stop);
            while (standings.size() > 1 &&
                   pace * cost(standings.size(), group.shapes, rung + 1, longer * first) > left) {
                standings.pop_back();
            }
        }
        alive.clear();
        for (const Standing &standing : standings) {
            alive.push_back(standing.candidate);
        }
    }
    return standings;
}

void Search::run(const TuneGroup &group, double seconds, const std::function<void(const Record &)> &show) {
    show_ = show;
    const Candidate &standard = group.candidates.front();
    std::vector<const Candidate *> codes, run_times, beside;
    for (size_t i = 1; i < group.candidates.size(); i++) {
        const Candidate &candidate = group.candidates[i];
        const bool same_code = candidate.why.empty() && candidate.file.path == standard.file.path;
        (!candidate.promises ? beside : same_code ? run_times : codes).push_back(&candidate);
    }
    // The farthest from the default go first where there is no time for all.
    const size_t shapes = group.shapes.size();
    auto expected = [&](double first) {
        double sum = 0;
        for (size_t count : {codes.size(), run_times.size(), beside.size()}) {
            sum += cost(count, group.shapes, 0, first);
        }
        return sum;
    };
    const double pace = expected_ > 0 ? std::max(1.0, spent_ / expected_) : 1;
    auto too_long = [&](double first) { return pace * expected(first) > seconds; };
    const Clock::time_point start = Clock::now();
    const Clock::time_point stop =
        options_.exhaustive
            ? Clock::time_point::max()
            : start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    double first = longest;
    while (first > shortest && too_long(first)) {
        first /= 1.3;
    }
    first = std::max(first, shortest);
    while (!options_.exhaustive && too_long(first) && codes.size() + run_times.size() > 1) {
        (codes.size() > least || run_times.empty() ? codes : run_times).pop_back();
    }
    const double last = first * std::pow(longer, last_rung);
    Standing found = {&standard, std::vector<double>(shapes, 1.0), 1};
    std::vector<const Candidate *> better;
    for (const auto &candidates : {codes, run_times}) {
        const std::vector<Standing> standings = halve(group, candidates, first, stop);
        if (!standings.empty() && standings.front().score < 1) {
            better.push_back(standings.front().candidate);
            found = standings.front().score < found.score ? standings.front() : found;
        }
    }
    if (better.size() == 2) {
        Candidate &both = combined_.emplace_back(*better[0]);
        for (const auto &[knob, value] : better[1]->knobs.items()) {
            if (group.default_knobs.value(knob, json()) != value) {
                both.knobs[knob] = value;
            }
        }
        for (const Standing &standing : measure(group, {&both}, last_rung, last)) {
            found = standing.score < found.score ? standing : found;
        }
    }
    if (Clock::now() < stop) {
        measure(group, beside, last_rung, last);
    }
    if (options_.exhaustive) {
        codes.insert(codes.end(), run_times.begin(), run_times.end());
        compare(group, found, measure(group, codes, last_rung, last));
    }
    expected_ += expected(first);
    spent_ += seconds_between(start, Clock::now());
}

void Search::compare(const TuneGroup &group, const Standing &found, const std::vector<Standing> &all) {
    double best = std::min(found.score, all.empty() ? 1.0 : all.front().score);  // the default is at 1
    regrets_.push_back({group.variant, group.target, "all shapes", found.score, best});
    for (size_t shape = 0; shape < group.shapes.size(); shape++) {
        best = std::min(1.0, found.ratios[shape]);
        for (const Standing &standing : all) {
            best = std::min(best, standing.ratios[shape]);
        }
        const auto [rows, hidden] = group.shapes[shape];
        regrets_.push_back(
            {group.variant, group.target, fmt::format("{}x{}", rows, hidden), found.ratios[shape], best});
    }
}

}  // namespace norma
