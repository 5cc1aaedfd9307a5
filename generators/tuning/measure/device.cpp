// SPDX-License-Identifier: MIT
#include "device.h"

#include <fmt/format.h>

#include "bench/gpu.h"
#include "bench/machine.h"
#include "runtime/kernel_host/cuda/driver.h"
#include "subprocess.h"
#include "tools/base/files.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr double longest_start = 60;  // seconds that a driver may take to open all its devices

json ask_driver() {
    const char *why = "";
    if (cuda_driver(&why) == nullptr) {
        return {{"missing", why}};
    }
    const bench::Gpu gpu(0);
    const int version = gpu.driver_version();
    return {{"gpu", gpu.name()},
            {"sm", cuda_devices().at[0].sm},
            {"l2", gpu.l2_bytes()},
            {"driver", fmt::format("{}.{}", version / 1000, version % 1000 / 10)}};
}

}  // namespace

json this_cpu() {
    const bench::Machine machine = bench::this_machine();
    return {{"cpu", machine.cpu}, {"isa", machine.loops}, {"l1d", machine.l1d}, {"l2", machine.l2}, {"l3", machine.l3}};
}

json first_gpu() {
    const json answer = run_in_subprocess(ask_driver, longest_start);
    for (const char *failure : {"missing", "why"}) {
        if (answer.contains(failure)) {
            throw InputError("no CUDA device to measure on: " + answer.at(failure).get<std::string>());
        }
    }
    return answer;
}

}  // namespace norma
