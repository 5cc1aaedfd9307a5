// SPDX-License-Identifier: MIT
// Timing several functions against each other on a machine that is never quite quiet.
#pragma once

#include <functional>
#include <vector>

namespace norma::bench {

struct Timing {
    double ns = 0;      // of one call: the median of all rounds
    double spread = 0;  // between the first and the third quartile
};

struct Interval {
    double median, low, high;
};

struct Effort {
    double seconds = 0.7;  // for all functions together
    int min_rounds = 5;
};

// Runs the functions in rotation, so that a disturbance hits them all. In each round a function is called once untimed,
// so that it finds the caches as it leaves them itself, then as often as makes a time of at least 20 us.
// The times of single calls, for each function those of all rounds.
std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions, const Effort &effort);
std::vector<Timing> measure(const std::vector<std::function<void()>> &functions, const Effort &effort);

// Of the times of single calls; takes them in any order, at least one.
Timing summarize(std::vector<double> ns);
Interval interval(std::vector<double> ns);  // of the median, 95 %

}  // namespace norma::bench
