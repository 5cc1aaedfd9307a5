// SPDX-License-Identifier: MIT
#include "cuda_codegen.h"

#include <algorithm>

#include "generators/codegen/cuda_image.h"

namespace norma {
namespace {

std::string missing() {
    return cuda_toolkit().empty() ? "no ptxas and fatbinary; script/setup cuda installs them" : "";
}

std::string refusal(const TargetSpec &target) {
    return target.sms.empty() ? "sms is missing; expected the compute capabilities that get an image" : "";
}

// The least compute capability: 10 * major + minor.
int capability(const TargetSpec &target) { return *std::min_element(target.sms.begin(), target.sms.end()); }

}  // namespace

const DeviceCodegen cuda_codegen = {
    NORMA_CUDA,
    "NORMA_CUDA",
    "CUDA",
    "cuda_rows",
    "cuda_strip_sum",
    "cuda_merge",
    true,
    true,
    false,
    false,
    true,
    [](const Halide::Target &target) { return target.has_feature(Halide::Target::CUDA); },
    missing,
    refusal,
    capability};

}  // namespace norma
