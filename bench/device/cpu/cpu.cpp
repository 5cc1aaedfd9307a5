// SPDX-License-Identifier: MIT
#include "cpu.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "bench/copy.h"
#include "bench/machine.h"

namespace norma::bench {
namespace {

constexpr size_t alignment = 128;

class Cpu final : public Device {
public:
    uint64_t allocate(size_t bytes) override {
        void *memory = std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        return reinterpret_cast<uintptr_t>(memory);
    }

    void release(uint64_t address) noexcept override { std::free(pointer(address)); }
    void to_device(uint64_t to, const void *from, size_t bytes) override { std::memcpy(pointer(to), from, bytes); }
    void to_host(void *to, uint64_t from, size_t bytes) override { std::memcpy(to, pointer(from), bytes); }
    void copy(uint64_t to, uint64_t from, size_t bytes) override { std::memcpy(pointer(to), pointer(from), bytes); }
    void clear(uint64_t begin, size_t bytes) override { std::memset(pointer(begin), 0, bytes); }
    void synchronize() override {}

    std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions,
                                            const Effort &effort) override {
        return bench::sample(functions, effort);
    }

    std::vector<Baseline> baselines(const Baselines &of, const std::function<uint64_t(size_t)> &, Team &team) override {
        const Loops &loops = **runnable_loops();
        std::vector<Baseline> list;
        for (const Store store : {Store::ordinary, Store::streaming}) {
            list.push_back({store == Store::ordinary ? Baseline::copy : Baseline::stream_copy,
                            [=, &loops, &team, streams = of.streams, elements = of.rows * of.hidden] {
                                bench::copy(loops, streams, elements, store, team);
                            }});
        }
        for (const Store store : {Store::ordinary, Store::streaming}) {
            if (std::function<void()> run = of.yardstick ? yardstick_of(of, loops, store, team) : nullptr) {
                list.push_back({Baseline::yardstick, std::move(run)});
            }
        }
        return list;
    }

private:
    static std::function<void()> yardstick_of(const Baselines &of, const Loops &loops, Store store, Team &team) {
        if (of.backward) {
            const auto backward = std::make_shared<BackwardYardstick>(loops, *of.backward, of.rows, store, team);
            return backward->exists() ? [=] { backward->run(); } : std::function<void()>();
        }
        if (!loops.norm || !loops.norm(of.norm, store)) {
            return nullptr;
        }
        return [=, &loops, &team, norm = of.norm, rows = of.rows] { yardstick(loops, norm, rows, store, team); };
    }
    static void *pointer(uint64_t address) { return reinterpret_cast<void *>(static_cast<uintptr_t>(address)); }
};

nlohmann::json describe() {
    const Machine machine = this_machine();
    return {{"cpu", machine.cpu}, {"isa", machine.loops}, {"l1d", machine.l1d}, {"l2", machine.l2}, {"l3", machine.l3}};
}

}  // namespace

const DeviceKind cpu_kind = {
    NORMA_CPU,
    true,
    "cpu",
    "CPU",
    nullptr,
    [](int id) { return id == 0; },
    [](int) -> std::unique_ptr<Device> { return std::make_unique<Cpu>(); },
    [](int) { return this_machine().cpu; },
    describe,
    [](const nlohmann::json &, int) { return true; },
    [](const nlohmann::json &described) { return "another CPU than " + described.at("cpu").get<std::string>(); },
    [](int64_t, int64_t) { return int64_t{1}; },
    [](CallContext &) { return std::shared_ptr<void>(); }};

}  // namespace norma::bench
