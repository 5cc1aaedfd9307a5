// SPDX-License-Identifier: MIT
#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

namespace norma::bench {
namespace {

constexpr double min_batch_ns = 20e3;
constexpr int most_warming = 8;
constexpr double falling = 0.98;

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

// What ran before is forgotten: it may have left the caches with other lines, or dirty.
void warm(const std::function<void()> &function, int64_t calls) {
    double before = time_batch(function, calls);
    for (int i = 0; i < most_warming; i++) {
        const double now = time_batch(function, calls);
        if (now > falling * before) {
            return;
        }
        before = now;
    }
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
    // The interval by order statistics: the ranks n/2 -+ 0.98 sqrt(n).
    const double n = static_cast<double>(ns.size()), reach = 0.98 * std::sqrt(n);
    const size_t low = static_cast<size_t>(std::max(0.0, std::floor(n / 2 - reach)));
    const size_t high = static_cast<size_t>(std::min(n - 1, std::ceil(n / 2 + reach)));
    return {quantile(ns, 0.5), quantile(ns, 0.75) - quantile(ns, 0.25), ns[low], ns[high]};
}

bool agree(const Timing &a, const Timing &b) { return a.low <= b.high && b.low <= a.high; }

std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions, const Effort &effort) {
    std::vector<int64_t> calls;
    for (const auto &function : functions) {
        calls.push_back(effort.before_each ? 1 : batch_calls(function));
    }
    std::vector<size_t> order(functions.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::mt19937 random;  // the same orders each time
    std::vector<std::vector<double>> times(functions.size());
    const double stop = now_ns() + effort.seconds * 1e9;
    for (int round = 0; round < effort.min_rounds || now_ns() < stop; round++) {
        std::shuffle(order.begin(), order.end(), random);
        for (size_t f : order) {
            effort.before_each ? effort.before_each() : warm(functions[f], calls[f]);
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
