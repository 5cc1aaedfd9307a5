// SPDX-License-Identifier: MIT
#include "trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <iterator>
#include <optional>

#include "bench/copy.h"
#include "bench/loops.h"
#include "bench/measure.h"
#include "compare.h"
#include "device_tensors.h"
#include "runtime/kernel_host/cpu/streaming_choice.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr int64_t checked_rows = 5, checked_rows_of_strips = 40;
constexpr double loose = 64;    // for plain sums, one fp32 addition after the other
constexpr double drift = 0.05;  // of the default between the halves of a trial, beyond which it is repeated

// One element of the second row is a NaN: no other row may show it.
void plant_nan(Tensor &x) {
    const uint32_t f32 = 0x7fc00000;
    const uint16_t f16 = 0x7e00, bf16 = 0x7fc0;
    char *data = static_cast<char *>(x.memory.data()) + (x.extents[0] + x.extents[0] / 2) * dtype_size(x.type);
    switch (x.type) {
        case NORMA_F32: std::memcpy(data, &f32, sizeof f32); break;
        case NORMA_F16: std::memcpy(data, &f16, sizeof f16); break;
        case NORMA_BF16: std::memcpy(data, &bf16, sizeof bf16); break;
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

// `device`: that of the candidates. The oracle runs on the CPU.
Outputs run(const KernelFile &file, Tensors &tensors, int store_mode, bench::Device &device) {
    clear_outputs(tensors);
    std::optional<DeviceTensors> copies;
    if (!file.device->host_memory) {
        copies.emplace(device, *file.device, tensors);
    }
    KernelCall{file, tensors, store_mode}();
    if (copies) {
        copies->bring_back_outputs();
    }
    return outputs_of(tensors);
}

// What candidates are compared with.
class Check {
public:
    Check(const Trial &trial, int64_t rows, bench::Device &device)
        : device_(device), tensors_(make_tensors(trial.variant, rows, trial.hidden)) {
        // Of a backward, it would reach the sums over rows.
        if (!is_backward(trial.variant) && tensors_.at("x").extents[1] > 1) {
            plant_nan(tensors_.at("x"));
        }
        oracle_ = run(trial.oracle, tensors_, 0, device_);
        standard_ = run(trial.standard.file, tensors_, 0, device_);
    }

    // {"bits"} where the candidate is right in every way to store its results, else {"why"}.
    json operator()(const Tried &candidate) {
        const bool has_modes = KernelCall(candidate.file, tensors_, 0).has_store_mode();
        Outputs first;
        for (int mode = 0; mode <= (has_modes ? 2 : 0); mode++) {
            const Outputs got = run(candidate.file, tensors_, mode, device_);
            const std::string what = mismatch(tensors_, oracle_, got, candidate.promises ? 1 : loose);
            if (!what.empty()) {
                return {{"why", "wrong: " + what}};
            }
            first = mode == 0 ? got : first;
            if (got.bytes != first.bytes) {
                return {{"why", "wrong: bits depend on how results are stored"}};
            }
        }
        return {{"bits", first.bytes == standard_.bytes ? "same" : "own"}};
    }

private:
    bench::Device &device_;
    Tensors tensors_;
    Outputs oracle_, standard_;
};

// As the dispatcher chooses.
int store_mode(const Trial &trial, const json &knobs, const Tensors &tensors) {
    int64_t bytes = 0;
    for (const auto &[role, tensor] : tensors) {
        bytes += tensor.extents.size() == 2 && role != "y_scale" ? tensor.bytes() : 0;
    }
    const RunTime run_time =
        with_caches({knobs.at("streaming_threshold"), knobs.at("prefetch_row_min"), knobs.at("prefetch_row_max"), 0},
                    machine_caches());
    auto row = [&](norma_dtype type) { return trial.hidden * dtype_size(type); };
    const StreamingChoice streaming =
        choose_streaming(run_time, bytes / trial.rows, row(trial.variant.x),
                         row(is_backward(trial.variant) ? trial.variant.x : trial.variant.y));
    return trial.rows >= streaming.least_rows ? streaming.mode : StoreMode::ordinary;
}

// Two functions that copy what the op reads to what it writes. None where the copy loops do not know the types.
std::vector<std::function<void()>> copies(const Trial &trial, const Tensors &tensors, bench::Team &team) {
    const bool backward = is_backward(trial.variant);
    auto find = [&](const char *role) { return tensors.count(role) != 0 ? &tensors.at(role) : nullptr; };
    const Tensor *x = find("x"), *y = find(backward ? "dx" : "y"), *more = find(backward ? "dy" : "residual"),
                 *out = find("residual_out");
    auto data = [](const Tensor *tensor) { return tensor != nullptr ? tensor->memory.data() : nullptr; };
    auto size = [](const Tensor *tensor) { return tensor != nullptr ? static_cast<int>(dtype_size(tensor->type)) : 0; };
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

bool drifts(const std::vector<double> &times) {
    const auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
    const double early = bench::summarize({times.begin(), middle}).ns,
                 late = bench::summarize({middle, times.end()}).ns;
    return std::fabs(late - early) > drift * early;
}

// Adds their times to the results of candidates that are right.
void time_candidates(const Trial &trial, json &results, bench::Device &device) {
    Tensors tensors = make_tensors(trial.variant, trial.rows, trial.hidden);
    std::optional<DeviceTensors> copied;
    if (!trial.standard.file.device->host_memory) {
        copied.emplace(device, *trial.standard.file.device, tensors);
    }
    std::deque<KernelCall> calls;
    std::vector<std::function<void()>> functions;
    auto add = [&](const Tried &tried) {
        const int mode = copied ? 0 : store_mode(trial, tried.knobs, tensors);
        const KernelCall &call = calls.emplace_back(tried.file, tensors, mode);
        functions.emplace_back([&call] { call(); });
    };
    add(trial.standard);
    for (size_t i = 0; i < results.size(); i++) {
        if (!results[i].contains("why")) {
            add(trial.candidates[i]);
        }
    }
    add(trial.standard);  // the control: as if it were another candidate
    const size_t kernels = functions.size();
    bench::Team team(1);
    for (auto &copy : copied ? std::vector{copied->copy(bytes_moved(tensors))} : copies(trial, tensors, team)) {
        functions.push_back(copy);
    }
    std::vector<std::vector<double>> times;
    std::vector<bench::Timing> of;
    int repeats = 0;
    for (;; repeats++) {
        const double start = steady_seconds();
        times = device.sample(functions, {trial.seconds * static_cast<double>(functions.size()), trial.min_rounds});
        of.clear();
        std::transform(times.begin(), times.end(), std::back_inserter(of), bench::summarize);
        const bool steady = !drifts(times[0]) && bench::agree(of[0], of[kernels - 1]);
        if (steady || repeats == most_repeats || 2 * steady_seconds() - start > trial.stop) {
            break;
        }
    }
    double copy = 0;  // the faster
    for (size_t i = kernels; i < of.size(); i++) {
        copy = copy == 0 ? of[i].ns : std::min(copy, of[i].ns);
    }
    const bench::Timing &standard = of[0], &control = of[kernels - 1];
    size_t at = 1;
    for (json &result : results) {
        if (result.contains("why")) {
            continue;
        }
        const bench::Timing &own = of[at++];
        result.update({{"ns", own.ns},
                       {"interval", {own.low, own.high}},
                       {"default_ns", standard.ns},
                       {"default_interval", {standard.low, standard.high}},
                       {"control_ns", control.ns},
                       {"control_interval", {control.low, control.high}},
                       {"copy_ns", copy},
                       {"bytes", bytes_moved(tensors)},
                       {"rounds", times[0].size()},
                       {"repeats", repeats}});
    }
}

}  // namespace

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

json run_trial(const Trial &trial) {
    json results = json::array();
    const bench::DeviceKind &kind = *trial.standard.file.device;
    const std::unique_ptr<bench::Device> device = kind.open(0);
    const bool in_strips = is_backward(trial.variant) && kind.strips(checked_rows_of_strips, trial.hidden) > 1;
    std::optional<Check> few, all;
    for (const Tried &candidate : trial.candidates) {
        // Autoscheduled kernels want at least as many rows as one of their tiles.
        std::optional<Check> &check = candidate.promises ? few : all;
        if (!check) {
            const int64_t few_rows = in_strips ? checked_rows_of_strips : checked_rows;
            check.emplace(trial, candidate.promises ? std::min(trial.rows, few_rows) : trial.rows, *device);
        }
        results.push_back((*check)(candidate));
    }
    time_candidates(trial, results, *device);
    return results;
}

}  // namespace norma
