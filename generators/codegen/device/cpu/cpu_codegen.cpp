// SPDX-License-Identifier: MIT
#include "cpu_codegen.h"

namespace norma {
namespace {

std::string refusal(const TargetSpec &target) {
    return target.sms.empty() ? "" : "sms is there; expected none, without feature cuda";
}

}  // namespace

const DeviceCodegen cpu_codegen = {NORMA_CPU,
                                   "NORMA_CPU",
                                   "CPUs",
                                   "cpu_rows",
                                   "strip_sum",
                                   nullptr,
                                   false,
                                   false,
                                   true,
                                   true,
                                   false,
                                   [](const Halide::Target &target) { return !target.has_gpu_feature(); },
                                   [] { return std::string(); },
                                   refusal,
                                   [](const TargetSpec &) { return 0; }};

}  // namespace norma
