// SPDX-License-Identifier: MIT
// Timing several functions against each other on a machine that is never quite quiet.
#pragma once

#include <functional>
#include <vector>

namespace norma::bench {

struct Timing {
    double ns = 0;             // of one call: the median of all rounds
    double spread = 0;         // between the first and the third quartile
    double low = 0, high = 0;  // the 95 % interval of the median
};

// Whether the same function, timed twice under two names, seems to be the same: the intervals meet.
bool agree(const Timing &a, const Timing &b);

struct Effort {
    double seconds = 0.7;  // for all functions together
    int min_rounds = 5;
    // Run before each timed call. None: a function is called until its time falls no more, and finds the caches warm.
    std::function<void()> before_each = nullptr;
};

// Runs the functions in turns, so that a disturbance hits them all, in each round in another order, so that none always
// follows the same one. A time is that of one call, or of as many as take at least 20 us.
// The times of single calls, for each function those of all rounds.
std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions, const Effort &effort);
std::vector<Timing> measure(const std::vector<std::function<void()>> &functions, const Effort &effort);

Timing summarize(std::vector<double> ns);  // of single calls, at least one

}  // namespace norma::bench
