// SPDX-License-Identifier: MIT
#include "budget.h"

#include <algorithm>
#include <cmath>

#include "trial.h"

namespace norma {

namespace {

constexpr size_t quarter = 4;
constexpr size_t least = 4;        // candidates of a rung
constexpr int last_processes = 3;  // that make a trial of the last rung
constexpr double least_pace = 0.5;
constexpr int least_rounds = 7, least_rounds_of_each = 3;

}  // namespace

int processes(int rung) { return rung == last_rung ? last_processes : 1; }
int min_rounds(int rung) { return rung == last_rung ? least_rounds_of_each : least_rounds; }

size_t promoted(size_t candidates) {
    return std::min(candidates, std::max(least, (candidates + quarter - 1) / quarter));
}

bool is_left_out(size_t candidates, int rung) { return rung < last_rung && promoted(candidates) == candidates; }

double cost_of_trial(size_t candidates, std::pair<int64_t, int64_t> shape, int rung, double seconds) {
    const double elements = (double)shape.first * (double)shape.second;
    const double make_and_check = 0.05 + 1e-8 * elements;
    const double calls = 3.0 * (min_rounds(rung) + 1) * 0.5e-9 * elements;  // of three two make it warm
    return processes(rung) *
           (make_and_check + (double)(candidates + controls) * std::max(seconds / processes(rung), calls));
}

double cost_of_rung(size_t candidates, const Shapes &shapes, int rung, double seconds) {
    double sum = 0;
    for (const auto &shape : shapes) {
        for (size_t begin = 0; begin < candidates; begin += at_once) {
            sum += cost_of_trial(std::min(at_once, candidates - begin), shape, rung, seconds);
        }
    }
    return sum;
}

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

double Budget::pace() const { return knows_pace() ? std::max(least_pace, spent_ / expected_) : 1; }

}  // namespace norma
