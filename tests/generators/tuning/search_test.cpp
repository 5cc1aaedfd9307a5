// SPDX-License-Identifier: MIT
// That a search keeps to its budget, by a clock that only its trials move.
#include "generators/tuning/measure/search.h"

#include <map>
#include <random>

#include "tests/support/catch.h"

using namespace norma;
using nlohmann::json;

namespace {

// A machine that takes so many times as long as expected, and repeats trials up to three times, at random.
class SlowMachine {
public:
    SlowMachine(double slowness, bool repeats) : slowness_(slowness), repeats_(repeats) {}

    Laboratory laboratory() {
        return {[this](const Trial &trial, double) { return run(trial); }, [this] { return now; }};
    }

    double now = 1000;  // seconds

private:
    json run(const Trial &trial) {
        const int rung = trial.min_rounds == min_rounds(last_rung) ? last_rung : 0;
        const double once =
            slowness_ *
            cost_of_trial(trial.candidates.size(), {trial.rows, trial.hidden}, rung, trial.seconds * processes(rung)) /
            processes(rung);
        do {
            now += once;
        } while (repeats_ && now + once <= trial.stop && random_() % 2 == 0);
        json results = json::array();
        for (size_t i = 0; i < trial.candidates.size(); i++) {
            const double ns = 90 + (double)(random_() % 20);
            results.push_back({{"ns", ns},
                               {"interval", {ns, ns}},
                               {"default_ns", 100},
                               {"default_interval", {99, 101}},
                               {"control_ns", 100},
                               {"control_interval", {99, 101}},
                               {"copy_ns", 50},
                               {"bytes", 1},
                               {"bits", "same"},
                               {"rounds", 7},
                               {"repeats", 0}});
        }
        return results;
    }

    double slowness_;
    bool repeats_;
    std::mt19937 random_;
};

TuneGroup kernel(int candidates, int number = 0) {
    TuneGroup group;
    group.variant = "rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.any";
    group.lowered = std::to_string(number);  // which makes its records its own
    group.device = {{"cpu", "made up"}};
    group.shapes = {{32, 768}, {65536, 128}, {512, 4096}};
    for (int i = 0; i <= candidates; i++) {
        Candidate candidate;
        candidate.strategy = "cpu_rows";
        candidate.knobs = {{"rows", i}};
        candidate.file.path = std::to_string(i);
        group.candidates.push_back(candidate);
    }
    return group;
}

}  // namespace

TEST_CASE("a search ends within its budget, however slow the machine", "[tune]") {
    for (int kernels : {1, 6}) {
        for (int candidates : {1, 15, 60}) {
            for (double slowness : {0.5, 1.0, 8.0}) {
                for (bool repeats : {false, true}) {
                    for (double budget : {20.0, 60.0, 300.0}) {
                        JobsFile jobs = {"21", {}};
                        for (int i = 0; i < kernels; i++) {
                            jobs.groups.push_back(kernel(candidates, i));
                        }
                        SlowMachine machine(slowness, repeats);
                        SearchOptions options;
                        options.budget = budget;
                        std::map<std::string, int> finals;
                        Search search(
                            jobs, options, {}, [&](const Record &record) { finals[record.lowered] += record.final; },
                            machine.laboratory());
                        const double start = machine.now;
                        size_t left = jobs.groups.size();
                        for (const TuneGroup &group : jobs.groups) {
                            search.run(group, left--, [](const Record &) {});
                        }
                        const double took = machine.now - start;
                        const auto decided = std::count_if(finals.begin(), finals.end(),
                                                           [](const auto &kernel) { return kernel.second >= 3; });
                        INFO(kernels << " kernels, " << candidates << " candidates, " << slowness << " times as long, "
                                     << budget << " s, repeats " << repeats << ": " << took << " s, decided "
                                     << decided);
                        CHECK(took <= budget);
                        CHECK((slowness > 1 || 3 * decided >= 2 * kernels));
                    }
                }
            }
        }
    }
}

TEST_CASE("one trial is made with any budget", "[tune]") {
    const JobsFile jobs = {"21", {kernel(3), kernel(3)}};
    SlowMachine machine(1, false);
    SearchOptions options;
    options.budget = 0;
    int finals = 0;
    Search search(
        jobs, options, {}, [&](const Record &record) { finals += record.final; }, machine.laboratory());
    CHECK(search.run(jobs.groups[0], 2, [](const Record &) {}));
    CHECK_FALSE(search.run(jobs.groups[1], 1, [](const Record &) {}));
    CHECK(finals == 1);
}
