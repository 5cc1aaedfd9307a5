// SPDX-License-Identifier: MIT
// The search for one kernel of one target: successive halving (Jamieson, Talwalkar 2016) over its candidates. All are
// measured briefly; a quarter goes on to a longer trial, a quarter of these to the final one, which decides. Candidates
// of the default's own code, which differ in run-time choices, are searched apart; the best of them is then combined
// with the best of the others.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "budget.h"
#include "generators/records/records.h"
#include "jobs.h"
#include "trial.h"

namespace norma {

struct SearchOptions {
    double timeout = 60;      // seconds of one trial, beyond which it is ended
    double budget = 600;      // seconds for all kernels
    bool exhaustive = false;  // every candidate in the final rung too, to say what the search missed, however long it
                              // takes: the budget is for the search
};

// Who runs trials, and by whose clock.
struct Laboratory {
    std::function<nlohmann::json(const Trial &trial, double timeout)> run;  // what run_trial returns, or {"why"}
    std::function<double()> now;                                            // seconds, as Trial::stop has them
};

class Search {
public:
    // Takes a record of the same trial from `known` instead of measuring anew. The budget begins here.
    Search(const JobsFile &jobs, const SearchOptions &options, const std::vector<Record> &known,
           std::function<void(const Record &)> add, Laboratory laboratory);

    // Plans for one of so many kernels that share what is left of the budget. But for the very first, no trial begins
    // that would end after the budget, as slowly as they go here. `show` is told before each trial what is measured.
    // False where there was no time for any.
    bool run(const TuneGroup &group, size_t kernels_left, const std::function<void(const Record &)> &show);

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
        std::vector<double> ratios;  // its time over the default's at each shape that there was time for
        double score = 0;            // their geometric mean
    };

    // What is left of the candidates after all rungs, the best first; `first`: seconds of the first rung's trials.
    // Those that there is no time for until `stop` are dropped, the worst first.
    std::vector<Standing> halve(const TuneGroup &group, std::vector<const Candidate *> alive, double first,
                                double stop);
    void compare(const TuneGroup &group, const Standing &found, const std::vector<Standing> &all);
    Record unmeasured(const TuneGroup &group, const Candidate &candidate, size_t shape, int rung) const;
    void keep(Record record, const nlohmann::json &result);
    // Trials at a shape: what is known, or was not compiled, is not run; of a trial that fails as a whole, each alone.
    void try_all(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape, int rung,
                 double seconds);
    // What each process says of the candidates, or one that why none can.
    std::vector<nlohmann::json> run_trials(const TuneGroup &group, const std::vector<const Candidate *> &candidates,
                                           size_t shape, int rung, double seconds);
    void try_together(const TuneGroup &group, const std::vector<const Candidate *> &candidates, size_t shape, int rung,
                      double seconds);
    // Those that were measured and failed nowhere, the best first.
    std::vector<Standing> measure(const TuneGroup &group, const std::vector<const Candidate *> &candidates, int rung,
                                  double seconds);

    const JobsFile &jobs_;
    SearchOptions options_;
    std::map<std::string, Record> known_;
    std::function<void(const Record &)> add_, show_;
    Laboratory laboratory_;
    Budget budget_;
    std::deque<Candidate> combined_;
    std::vector<Regret> regrets_;
    bool tried_ = false;  // whatever
    int measured_ = 0, reused_ = 0, failed_ = 0;
};

}  // namespace norma
