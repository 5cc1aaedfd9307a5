// SPDX-License-Identifier: MIT
#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace norma::bench {
namespace {

constexpr double min_batch_ns = 20e3;

double now_ns() {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double time_batch(const std::function<void()> &function, int64_t calls) {
    const double start = now_ns();
    for (int64_t i = 0; i < calls; i++) {
        function();
    }
    return now_ns() - start;
}

int64_t batch_calls(const std::function<void()> &function) {
    function();
    int64_t calls = 1;
    while (time_batch(function, calls) < min_batch_ns) {
        calls *= 2;
    }
    return calls;
}

double quantile(const std::vector<double> &sorted, double q) {
    const double at = q * static_cast<double>(sorted.size() - 1);
    const size_t low = static_cast<size_t>(at);
    const size_t high = std::min(low + 1, sorted.size() - 1);
    return sorted[low] + (at - std::floor(at)) * (sorted[high] - sorted[low]);
}

}  // namespace

Timing summarize(std::vector<double> ns) {
    std::sort(ns.begin(), ns.end());
    return {quantile(ns, 0.5), quantile(ns, 0.75) - quantile(ns, 0.25)};
}

// By order statistics: the ranks n/2 -+ 0.98 sqrt(n).
Interval interval(std::vector<double> ns) {
    std::sort(ns.begin(), ns.end());
    const double n = static_cast<double>(ns.size()), reach = 0.98 * std::sqrt(n);
    const size_t low = static_cast<size_t>(std::max(0.0, std::floor(n / 2 - reach)));
    const size_t high = static_cast<size_t>(std::min(n - 1, std::ceil(n / 2 + reach)));
    return {quantile(ns, 0.5), ns[low], ns[high]};
}

std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions, const Effort &effort) {
    std::vector<int64_t> calls;
    for (const auto &function : functions) {
        calls.push_back(batch_calls(function));
    }
    std::vector<std::vector<double>> times(functions.size());
    const double stop = now_ns() + effort.seconds * 1e9;
    for (int round = 0; round < effort.min_rounds || now_ns() < stop; round++) {
        for (size_t f = 0; f < functions.size(); f++) {
            functions[f]();
            times[f].push_back(time_batch(functions[f], calls[f]) / static_cast<double>(calls[f]));
        }
    }
    return times;
}

std::vector<Timing> measure(const std::vector<std::function<void()>> &functions, const Effort &effort) {
    std::vector<Timing> result;
    for (auto &ns : sample(functions, effort)) {
        result.push_back(summarize(std::move(ns)));
    }
    return result;
}

}  // namespace norma::bench
