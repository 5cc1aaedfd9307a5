// SPDX-License-Identifier: MIT
#include "trial.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "bench/copy.h"
#include "bench/loops.h"
#include "bench/measure.h"
#include "compare.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr int64_t checked_rows = 5;
constexpr double loose = 64;    // for plain sums, one fp32 addition after the other
constexpr double drift = 0.05;  // of the default between the halves of a trial, beyond which it is repeated
constexpr int min_rounds = 7;

struct Interval {
    double median, low, high;
};

// The median's 95 % interval by order statistics: the ranks n/2 -+ 0.98 sqrt(n).
Interval interval(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    const double n = static_cast<double>(times.size()), reach = 0.98 * std::sqrt(n);
    const size_t low = static_cast<size_t>(std::max(0.0, std::floor(n / 2 - reach)));
    const size_t high = static_cast<size_t>(std::min(n - 1, std::ceil(n / 2 + reach)));
    return {bench::summarize(times).ns, times[low], times[high]};
}

// One element of the second row is a NaN: no other row may show it.
void plant_nan(Tensor &x) {
    const uint32_t f32 = 0x7fc00000;
    const uint16_t f16 = 0x7e00, bf16 = 0x7fc0;
    char *data = static_cast<char *>(x.memory.data()) + (x.extents[0] + x.extents[0] / 2) * element_size(x.type);
    switch (x.type) {
        case DType::f32: std::memcpy(data, &f32, sizeof f32); break;
        case DType::f16: std::memcpy(data, &f16, sizeof f16); break;
        case DType::bf16: std::memcpy(data, &bf16, sizeof bf16); break;
        default: break;
    }
}

void clear_outputs(Tensors &tensors) {
    for (auto &[role, tensor] : tensors) {
        if (tensor.output && tensor.memory.data() != nullptr) {
            std::memset(tensor.memory.data(), 0, static_cast<size_t>(tensor.bytes()));
        }
    }
}

Outputs run(const KernelFile &file, Tensors &tensors, int store_mode) {
    clear_outputs(tensors);
    KernelCall{file, tensors, store_mode}();
    return outputs_of(tensors);
}

// "" where the candidate is right, in every way to store its results.
std::string check(const Trial &trial, std::string *bits) {
    const bool nan = !is_backward(trial.variant);  // whose sums over rows it would reach
    Tensors tensors = make_tensors(trial.variant, std::min(trial.rows, checked_rows), trial.hidden);
    if (nan && tensors.at("x").extents[1] > 1) {
        plant_nan(tensors.at("x"));
    }
    const Outputs oracle = run(trial.oracle, tensors, 0), standard = run(trial.standard, tensors, 0);
    const bool has_modes = KernelCall(trial.candidate, tensors, 0).has_store_mode();
    Outputs first;
    for (int mode = 0; mode <= (has_modes ? 2 : 0); mode++) {
        const Outputs got = run(trial.candidate, tensors, mode);
        if (const std::string what = mismatch(tensors, oracle, got, trial.promises ? 1 : loose); !what.empty()) {
            return "wrong: " + what;
        }
        first = mode == 0 ? got : first;
        if (got.bytes != first.bytes) {
            return "wrong: bits depend on how results are stored";
        }
    }
    *bits = first.bytes == standard.bytes ? "same" : "own";
    return "";
}

int store_mode(const Trial &trial, const Tensors &tensors) {
    int64_t bytes = 0;
    for (const auto &[role, tensor] : tensors) {
        bytes += tensor.extents.size() == 2 && role != "y_scale" ? tensor.bytes() : 0;
    }
    const int64_t row = trial.hidden * element_size(trial.variant.x);
    const bool prefetch = row >= trial.run_time.at("prefetch_row_min") && row <= trial.run_time.at("prefetch_row_max");
    return bytes < trial.run_time.at("streaming_threshold") ? 0 : prefetch ? 2 : 1;
}

// Two functions that copy what the op reads to what it writes. None where the copy loops do not know the types.
std::vector<std::function<void()>> copies(const Trial &trial, const Tensors &tensors, bench::Team &team) {
    const bool backward = is_backward(trial.variant);
    auto find = [&](const char *role) { return tensors.count(role) != 0 ? &tensors.at(role) : nullptr; };
    const Tensor *x = find("x"), *y = find(backward ? "dx" : "y"), *more = find(backward ? "dy" : "residual"),
                 *out = find("residual_out");
    auto data = [](const Tensor *tensor) { return tensor != nullptr ? tensor->memory.data() : nullptr; };
    auto size = [](const Tensor *tensor) {
        return tensor != nullptr ? static_cast<int>(element_size(tensor->type)) : 0;
    };
    const bench::Streams streams = {data(x), data(more), data(y), data(out), size(x), size(more), size(y)};
    const bench::Loops &loops = **bench::runnable_loops();
    if (loops.copy(streams, bench::Store::ordinary) == nullptr) {
        return {};
    }
    const int64_t elements = trial.rows * trial.hidden;
    std::vector<std::function<void()>> list;
    for (bench::Store store : {bench::Store::ordinary, bench::Store::streaming}) {
        list.emplace_back([=, &loops, &team] { bench::copy(loops, streams, elements, store, team); });
    }
    return list;
}

int64_t bytes_moved(const Tensors &tensors) {
    int64_t bytes = 0;
    for (const auto &[role, tensor] : tensors) {
        // Statistics that a forward is not asked for are not written.
        bytes += tensor.memory.data() == nullptr || (tensor.output && (role == "mean" || role == "rstd"))
                     ? 0
                     : tensor.bytes();
    }
    return bytes;
}

json timed(const Trial &trial) {
    Tensors tensors = make_tensors(trial.variant, trial.rows, trial.hidden);
    const int mode = store_mode(trial, tensors);
    const KernelCall standard(trial.standard, tensors, mode), candidate(trial.candidate, tensors, mode);
    bench::Team team(1);
    std::vector<std::function<void()>> functions = {[&] { standard(); }, [&] { candidate(); }};
    for (auto &copy : copies(trial, tensors, team)) {
        functions.push_back(copy);
    }
    std::vector<std::vector<double>> times;
    int repeats = 0;
    for (;; repeats++) {
        times = bench::sample(functions, {trial.seconds, min_rounds});
        const std::vector<double> &all = times[0];
        const auto middle = all.begin() + static_cast<int64_t>(all.size() / 2);
        const double early = bench::summarize({all.begin(), middle}).ns,
                     late = bench::summarize({middle, all.end()}).ns;
        if (std::fabs(late - early) <= drift * early || repeats == most_repeats) {
            break;
        }
    }
    const Interval of_default = interval(times[0]), own = interval(times[1]);
    const double copy = times.size() < 4 ? 0 : std::min(interval(times[2]).median, interval(times[3]).median);
    return {{"ns", own.median},
            {"interval", {own.low, own.high}},
            {"default_ns", of_default.median},
            {"default_interval", {of_default.low, of_default.high}},
            {"copy_ns", copy},
            {"bytes", bytes_moved(tensors)},
            {"rounds", times[0].size()},
            {"repeats", repeats}};
}

}  // namespace

json run_trial(const Trial &trial) {
    std::string bits;
    if (const std::string why = check(trial, &bits); !why.empty()) {
        return {{"why", why}};
    }
    json result = timed(trial);
    result["bits"] = bits;
    return result;
}

}  // namespace norma
