// SPDX-License-Identifier: MIT
#include "library.h"

#include "dtypes.h"

namespace norma::tool {

namespace {

const char *name_of(norma_op op) {
    switch (op) {
        case NORMA_LAYER_NORM_FORWARD: return "layer_norm_forward";
        case NORMA_RMS_NORM_FORWARD: return "rms_norm_forward";
        case NORMA_LAYER_NORM_BACKWARD: return "layer_norm_backward";
        case NORMA_RMS_NORM_BACKWARD: return "rms_norm_backward";
    }
    return "unknown";
}
const char *name_of(norma_contract contract) { return contract == NORMA_HF ? "hf" : "fp32_once"; }

template <typename Info>
std::vector<Info> all(int32_t count, norma_status (*get)(int32_t, Info *)) {
    std::vector<Info> infos(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; i++) {
        Info &info = infos[static_cast<size_t>(i)];
        info.size = sizeof info;
        check(get(i, &info));
    }
    return infos;
}

}  // namespace

std::vector<norma_kernel_info> kernels() { return all(norma_kernel_count(), norma_get_kernel_info); }
std::vector<norma_target_info> targets() { return all(norma_target_count(), norma_get_target_info); }

nlohmann::ordered_json to_json(const norma_kernel_info &kernel) {
    return {{"name", kernel.name},
            {"target", kernel.target},
            {"op", name_of(kernel.op)},
            {"contract", name_of(kernel.contract)},
            {"x", name_of(kernel.x)},
            {"y", name_of(kernel.y)},
            {"weight", name_of(kernel.weight)},
            {"bias", name_of(kernel.bias)},
            {"residual", name_of(kernel.residual)},
            {"y_float", name_of(kernel.y_float)},
            {"scale", scale_names[kernel.scale].name},
            {"recomputes_statistics", (kernel.flags & NORMA_RECOMPUTE_STATISTICS) != 0},
            {"hidden_multiple", kernel.hidden_multiple},
            {"hidden_exact", kernel.hidden_exact},
            {"hidden_most", kernel.hidden_most},
            {"strategy", kernel.strategy},
            {"knobs", nlohmann::ordered_json::parse(kernel.knobs)},
            {"origin", kernel.origin},
            {"device", kernel.device == NORMA_CUDA ? "cuda" : "cpu"},
            {"alignment", kernel.alignment},
            {"runnable", kernel.runnable != 0}};
}

std::string hidden_sizes(const norma_kernel_info &kernel) {
    if (kernel.hidden_exact != 0) {
        return std::to_string(kernel.hidden_exact);
    }
    return (kernel.hidden_multiple == 1 ? "any" : "multiples of " + std::to_string(kernel.hidden_multiple)) +
           (kernel.hidden_most == 0 ? "" : " up to " + std::to_string(kernel.hidden_most));
}

}  // namespace norma::tool
