// SPDX-License-Identifier: MIT
// The search for one kernel of one target: successive halving (Jamieson, Talwalkar 2016) over its candidates. All are
// measured briefly; a quarter goes on to a longer trial, a quarter of these to the final one, which decides. Candidates
// of the default's own code, which differ in run-time choices, are searched apart; the best of them is then combined
// with the best of the others.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>

#include "generators/records/records.h"
#include "kernel_call.h"

namespace norma {

// Of a jobs file. The first candidate is the default.
struct Candidate {
    std::string strategy, why;  // `why` it could not be compiled; empty where it could
    nlohmann::json knobs;
    bool promises = true;
    KernelFile file;
};

struct TuneGroup {
    std::string variant, target, lowered;  // the hash of its default's lowered code
    nlohmann::json default_knobs;
    std::vector<std::pair<int64_t, int64_t>> shapes;  // rows, hidden
    KernelFile oracle;
    std::vector<Candidate> candidates;
    const bench::DeviceKind *kind = nullptr;  // of the devices that run it
    int capability = 0;                       // the least of one
    nlohmann::json device;                    // that it is measured on, for records
};

struct JobsFile {
    std::string halide;
    std::vector<TuneGroup> groups;
};

JobsFile read_jobs(const std::filesystem::path &directory);  // DIR/jobs.json; throws InputError

struct SearchOptions {
    double timeout = 60;      // seconds of one trial, beyond which it is ended
    bool exhaustive = false;  // every candidate in the final rung too, to say what the search missed
};

class Search {
public:
    // Takes a record of the same trial from `known` instead of measuring anew.
    Search(const JobsFile &jobs, const SearchOptions &options, const std::vector<Record> &known,
           std::function<void(const Record &)> add);

    // Within about so many seconds. `show` is told before each trial what is measured.
    void run(const TuneGroup &group, double seconds, const std::function<void(const Record &)> &show);

    // Where the search was exhaustive too: the times of the candidate that it found and of the best that there is, over
    // the default's, from final trials. At a shape, or over all of them.
    struct Regret {
        std::string variant, target, where;
        double found, best;
    };
    const std::vector<Regret> &regrets() const { return regrets_; }

    int measured() const { return measured_; }
    int reused() const { return reused_; }
    int failed() const { return failed_; }

private:
    struct Standing {
        const Candidate *candidate;
        std::vector<double> ratios;  // its time over the default's at each shape
        double score = 0;            // their geometric mean
    };

    // What is left of the candidates after all rungs, the best first; `first`: seconds of the first rung's trials.
    // Those that there is no time for until `stop` are dropped, the worst first.
    std::vector<Standing> halve(const TuneGroup &group, std::vector<const Candidate *> alive, double first,
                                std::chrono::steady_clock::time_point stop);
    void compare(const TuneGroup &group, const Standing &found, const std::vector<Standing> &all);
    Record unmeasured(const TuneGroup &group, const Candidate &candidate, size_t shape, int rung) const;
    void keep(Record record, const nlohmann::json &result);
    // Trials at a shape: what is known, or was not compiled, is not run; of a trial that fails as a whole, each alone.
    void try_all(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape, int rung,
                 double seconds);
    void try_together(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape, int rung,
                      double seconds);
    // Those that are measured at every shape, the best first.
    std::vector<Standing> measure(const TuneGroup &group, const std::vector<const Candidate *> &candidates, int rung,
                                  double seconds);

    const JobsFile &jobs_;
    SearchOptions options_;
    std::map<std::string, Record> known_;
    std::function<void(const Record &)> add_, show_;
    std::deque<Candidate> combined_;
    std::vector<Regret> regrets_;
    double expected_ = 0, spent_ = 0;  // seconds of the kernels so far
    int measured_ = 0, reused_ = 0, failed_ = 0;
};

}  // namespace norma
