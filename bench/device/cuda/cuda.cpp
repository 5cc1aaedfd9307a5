// SPDX-License-Identifier: MIT
#include "cuda.h"

#include <fmt/format.h>

#include "gpu.h"
#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/kernel_host/cuda/modules.h"
#include "runtime/kernel_host/cuda/strips.h"

namespace norma::bench {
namespace {

nlohmann::json describe() {
    const Gpu gpu(0);
    const int version = gpu.driver_version();
    return {{"gpu", gpu.name()},
            {"sm", cuda_devices().at[0].sm},
            {"l2", gpu.l2_bytes()},
            {"driver", fmt::format("{}.{}", version / 1000, version % 1000 / 10)}};
}

bool runs(const nlohmann::json &described, int capability) { return described.at("sm") >= capability; }

std::string why_not(const nlohmann::json &described) {
    return fmt::format("a newer GPU than the first, {} (sm_{})", described.at("gpu").get<std::string>(),
                       described.at("sm").get<int>());
}

std::shared_ptr<void> device_call(CallContext &context) {
    auto call = std::make_shared<CudaCall>();
    call->message = context.message;
    return call;
}

}  // namespace

const DeviceKind cuda_kind = {NORMA_CUDA,
                              false,
                              "cuda",
                              "CUDA device",
                              "gpu",
                              [](int id) { return cuda_driver() != nullptr && id < cuda_devices().count; },
                              [](int id) -> std::unique_ptr<Device> { return std::make_unique<Gpu>(id); },
                              [](int id) { return Gpu(id).name(); },
                              describe,
                              runs,
                              why_not,
                              count_cuda_strips,
                              device_call};

}  // namespace norma::bench
