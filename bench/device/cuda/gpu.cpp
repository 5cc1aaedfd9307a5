// SPDX-License-Identifier: MIT
#include "gpu.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "runtime/kernel_host/cuda/driver.h"

namespace norma::bench {
namespace {

constexpr int attribute_l2_bytes = 38;
constexpr void *default_stream = nullptr;

// Symbols of the driver may end in a version, which its messages leave out.
[[noreturn]] void fail(const std::string &symbol, int error) {
    char text[256];
    describe_cuda_error(text, sizeof text, *cuda_driver(), symbol.substr(0, symbol.find("_v2")).c_str(), error);
    throw std::runtime_error(text);
}

// The arguments are passed as they are: their types must be those of the driver's function.
template <typename... Arguments>
int result_of(const char *symbol, Arguments... arguments) {
    auto *function = reinterpret_cast<int (*)(Arguments...)>(cuda_symbol(symbol));
    if (function == nullptr) {
        throw std::runtime_error(std::string("the CUDA driver has no ") + symbol);
    }
    return function(arguments...);
}

template <typename... Arguments>
void call(const char *symbol, Arguments... arguments) {
    if (const int error = result_of(symbol, arguments...)) {
        fail(symbol, error);
    }
}

class Event {
public:
    Event() { call("cuEventCreate", &event_, 0U); }
    ~Event() { result_of("cuEventDestroy_v2", event_); }
    Event(const Event &) = delete;
    Event &operator=(const Event &) = delete;

    void record() { call("cuEventRecord", event_, default_stream); }

    // Waits for this one.
    double ns_since(const Event &earlier) const {
        float milliseconds = 0;
        call("cuEventSynchronize", event_);
        call("cuEventElapsedTime", &milliseconds, earlier.event_, event_);
        return 1e6 * static_cast<double>(milliseconds);
    }

private:
    void *event_ = nullptr;
};

// What pushes everything else out of the second-level cache.
struct Sweep {
    explicit Sweep(Gpu &gpu) : gpu(gpu), bytes(4 * gpu.l2_bytes()), memory(gpu.allocate(bytes)) {}
    ~Sweep() { gpu.release(memory); }
    Sweep(const Sweep &) = delete;
    Sweep &operator=(const Sweep &) = delete;

    void run() const { gpu.clear(memory, bytes); }

    Gpu &gpu;
    size_t bytes;
    uint64_t memory;
};

std::function<void()> empty_kernel() {
    const char *ptx = ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry empty() { ret; }\n";
    const CudaDriver &driver = *cuda_driver();
    void *module = nullptr, *function = nullptr;  // the module stays until the context ends
    if (const int error = driver.cuModuleLoadDataEx(&module, ptx, 0, nullptr, nullptr)) {
        fail("cuModuleLoadDataEx", error);
    }
    if (const int error = driver.cuModuleGetFunction(&function, module, "empty")) {
        fail("cuModuleGetFunction", error);
    }
    return [&driver, function] {
        if (const int error = driver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, default_stream, nullptr, nullptr)) {
            fail("cuLaunchKernel", error);
        }
    };
}

}  // namespace

Gpu::Gpu(int ordinal) {
    const char *why = "";
    if (cuda_driver(&why) == nullptr) {
        throw std::runtime_error(why);
    }
    if (ordinal >= cuda_devices().count) {
        throw std::runtime_error("there is no CUDA device " + std::to_string(ordinal));
    }
    device_ = cuda_devices().at[ordinal].handle;
    void *context = nullptr;
    call("cuCtxGetCurrent", &before_);
    call("cuDevicePrimaryCtxRetain", &context, device_);
    if (const int error = result_of("cuCtxSetCurrent", context)) {
        result_of("cuDevicePrimaryCtxRelease_v2", device_);
        fail("cuCtxSetCurrent", error);
    }
}

// A destroyed context would stay current.
Gpu::~Gpu() {
    if (result_of("cuCtxSetCurrent", before_) != 0) {
        result_of("cuCtxSetCurrent", static_cast<void *>(nullptr));
    }
    result_of("cuDevicePrimaryCtxRelease_v2", device_);
}

std::string Gpu::name() const {
    char text[256] = "";
    call("cuDeviceGetName", &text[0], static_cast<int>(sizeof text), device_);
    return text;
}

size_t Gpu::l2_bytes() const {
    int bytes = 0;
    call("cuDeviceGetAttribute", &bytes, attribute_l2_bytes, device_);
    return static_cast<size_t>(bytes);
}

int Gpu::driver_version() const {
    int version = 0;
    call("cuDriverGetVersion", &version);
    return version;
}

uint64_t Gpu::allocate(size_t bytes) {
    uint64_t address = 0;
    call("cuMemAlloc_v2", &address, std::max<size_t>(bytes, 1));
    return address;
}

void Gpu::release(uint64_t address) noexcept { result_of("cuMemFree_v2", address); }

void Gpu::to_device(uint64_t to, const void *from, size_t bytes) { call("cuMemcpyHtoD_v2", to, from, bytes); }

void Gpu::to_host(void *to, uint64_t from, size_t bytes) { call("cuMemcpyDtoH_v2", to, from, bytes); }

void Gpu::synchronize() { call("cuCtxSynchronize"); }

void Gpu::copy(uint64_t to, uint64_t from, size_t bytes) {
    call("cuMemcpyDtoDAsync_v2", to, from, bytes, default_stream);
}

void Gpu::clear(uint64_t begin, size_t bytes) {
    call("cuMemsetD8Async", begin, static_cast<unsigned char>(0), bytes, default_stream);
}

std::vector<std::vector<double>> Gpu::sample(const std::vector<std::function<void()>> &functions,
                                             const Effort &effort) {
    const Sweep sweep(*this);
    Event begin, end;
    for (const auto &function : functions) {
        function();  // which may load its module
    }
    synchronize();
    std::vector<std::vector<double>> times(functions.size());
    const auto stop = std::chrono::steady_clock::now() + std::chrono::duration<double>(effort.seconds);
    for (int round = 0; round < effort.min_rounds || std::chrono::steady_clock::now() < stop; round++) {
        for (size_t f = 0; f < functions.size(); f++) {
            sweep.run();
            begin.record();
            functions[f]();
            end.record();
            times[f].push_back(end.ns_since(begin));
        }
    }
    return times;
}

std::vector<Baseline> Gpu::baselines(const Baselines &of, const std::function<uint64_t(size_t)> &allocate, Team &) {
    const size_t half = static_cast<size_t>(of.bytes / 2);
    const uint64_t from = allocate(half), to = allocate(half);
    return {{Baseline::copy, [=] { copy(to, from, half); }}, {Baseline::empty, empty_kernel()}};
}

}  // namespace norma::bench
