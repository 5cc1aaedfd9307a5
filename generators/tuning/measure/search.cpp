// SPDX-License-Identifier: MIT
#include "search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pool.h"
#include "runtime/vocabulary/variant_name.h"
#include "tools/base/now_utc.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr size_t least = 4;                          // candidates that are tried first of all
constexpr double no_end = 1e300;                     // seconds
constexpr double shortest = 0.0025, longest = 0.04;  // seconds of a first trial, for each function

// The index of a shape that is neither small nor large.
size_t middle(const Shapes &shapes) {
    std::vector<std::pair<int64_t, size_t>> sizes;
    for (size_t i = 0; i < shapes.size(); i++) {
        sizes.emplace_back(shapes[i].first * shapes[i].second, i);
    }
    std::sort(sizes.begin(), sizes.end());
    return sizes[(sizes.size() - 1) / 2].second;
}

}  // namespace

Search::Search(const JobsFile &jobs, const SearchOptions &options, const std::vector<Record> &known,
               std::function<void(const Record &)> add, Laboratory laboratory)
    : jobs_(jobs),
      options_(options),
      add_(std::move(add)),
      laboratory_(std::move(laboratory)),
      budget_(options.exhaustive ? no_end : options.budget, laboratory_.now) {
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

std::vector<json> Search::run_trials(const TuneGroup &group, const std::vector<const Candidate *> &candidates,
                                     size_t shape, int rung, double seconds) {
    Trial trial = {parse_name(group.variant),
                   group.shapes[shape].first,
                   group.shapes[shape].second,
                   group.oracle,
                   {group.candidates.front().file, group.default_knobs, true},
                   {},
                   seconds / processes(rung),
                   min_rounds(rung),
                   budget_.stop()};
    for (const Candidate *candidate : candidates) {
        trial.candidates.push_back({candidate->file, candidate->knobs, candidate->promises});
    }
    const double timing = trial.seconds * (double)(candidates.size() + controls) * (1 + most_repeats);
    const double start = budget_.now();
    std::vector<json> of_processes;
    for (int process = 0; process < processes(rung); process++) {
        of_processes.push_back(laboratory_.run(trial, options_.timeout + timing));
        if (!of_processes.back().is_array()) {
            return {of_processes.back()};
        }
    }
    budget_.add(cost_of_trial(candidates.size(), group.shapes[shape], rung, seconds), budget_.now() - start);
    return of_processes;
}

void Search::try_together(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape,
                          int rung, double seconds) {
    // Beside it, time for one candidate in the last rung: without, all would be for nothing.
    const double final_seconds = seconds * std::pow(longer, last_rung - rung);
    const double expected = cost_of_trial(candidates.size(), group.shapes[shape], rung, seconds) +
                            (rung < last_rung ? cost_of_rung(1, group.shapes, last_rung, final_seconds) : 0);
    if (tried_ && budget_.pace() * expected > budget_.left()) {
        return;
    }
    tried_ = true;
    show_(unmeasured(group, *candidates.front(), shape, rung));
    const std::vector<json> of_processes = run_trials(group, candidates, shape, rung, seconds);
    const bool failed = !of_processes.front().is_array();  // a candidate ended it
    if (failed && candidates.size() == 1) {
        keep(unmeasured(group, *candidates.front(), shape, rung), of_processes.front());
        return;
    }
    for (size_t i = 0; i < candidates.size(); i++) {
        if (failed) {
            try_together(group, {candidates[i]}, shape, rung, seconds);
            continue;
        }
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
            const auto record = known_.find(key(unmeasured(group, *candidate, shape, rung)));
            const bool late = record == known_.end();
            if (!late && record->second.ok()) {
                ratios[candidate].push_back(record->second.ratio());
            }
            if (late || record->second.ok()) {
                still.push_back(candidate);
            }
        }
        good = still;
    }
    std::vector<Standing> standings;
    for (const Candidate *candidate : good) {
        const std::vector<double> &of_candidate = ratios[candidate];
        double sum = 0;
        for (double ratio : of_candidate) {
            sum += std::log(ratio);
        }
        if (!of_candidate.empty()) {
            standings.push_back({candidate, of_candidate, std::exp(sum / (double)of_candidate.size())});
        }
    }
    std::stable_sort(standings.begin(), standings.end(),
                     [](const Standing &a, const Standing &b) { return a.score < b.score; });
    return standings;
}

std::vector<Search::Standing> Search::halve(const TuneGroup &group, std::vector<const Candidate *> alive, double first,
                                            double stop) {
    std::vector<Standing> standings;
    for (int rung = 0; rung <= last_rung; rung++, first *= longer) {
        if (is_left_out(alive.size(), rung)) {
            continue;
        }
        standings = measure(group, alive, rung, first);
        if (rung < last_rung) {
            standings.resize(std::min(standings.size(), promoted(alive.size())));
            // As slowly as trials go here, the next rungs may have no time for all.
            while (standings.size() > 1 &&
                   budget_.pace() * cost(standings.size(), group.shapes, rung + 1, longer * first) >
                       stop - budget_.now()) {
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

bool Search::run(const TuneGroup &group, size_t kernels_left, const std::function<void(const Record &)> &show) {
    if (group.candidates.size() == 1) {
        return true;
    }
    if (tried_ && budget_.left() <= 0) {
        return false;
    }
    show_ = show;
    const int before = measured_ + reused_ + failed_;
    const Candidate &standard = group.candidates.front();
    std::vector<const Candidate *> codes, run_times, beside;
    for (size_t i = 1; i < group.candidates.size(); i++) {
        const Candidate &candidate = group.candidates[i];
        const bool same_code = candidate.why.empty() && candidate.file.path == standard.file.path;
        (!candidate.promises ? beside : same_code ? run_times : codes).push_back(&candidate);
    }
    if (!budget_.knows_pace() && known_.empty()) {                 // else there may be nothing to measure
        run_trials(group, {}, middle(group.shapes), 0, shortest);  // the default alone
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
    const double seconds =
        options_.exhaustive ? options_.budget / (double)jobs_.groups.size() : budget_.left() / (double)kernels_left;
    const double stop = options_.exhaustive ? no_end : budget_.now() + seconds;
    auto too_long = [&](double first) { return budget_.pace() * expected(first) > seconds; };
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
    if (budget_.now() < stop) {
        measure(group, beside, last_rung, last);
    }
    if (options_.exhaustive && budget_.left() > 0) {
        codes.insert(codes.end(), run_times.begin(), run_times.end());
        const std::vector<Standing> all = measure(group, codes, last_rung, last);
        if (budget_.left() > 0) {
            compare(group, found, all);
        }
    }
    return measured_ + reused_ + failed_ > before;
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
