// SPDX-License-Identifier: MIT
#include "names.h"

namespace norma {

const char *dtype_name(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_NONE: return "none";
        case NORMA_F32: return "f32";
        case NORMA_F16: return "f16";
        case NORMA_BF16: return "bf16";
    }
    return nullptr;
}

const char *op_name(norma_op op) {
    switch (op) {
        case NORMA_LAYER_NORM_FORWARD: return "layer_norm_forward";
        case NORMA_RMS_NORM_FORWARD: return "rms_norm_forward";
        case NORMA_LAYER_NORM_BACKWARD: return "layer_norm_backward";
        case NORMA_RMS_NORM_BACKWARD: return "rms_norm_backward";
    }
    return nullptr;
}

const char *contract_name(norma_contract contract) {
    switch (contract) {
        case NORMA_FP32_ONCE: return "fp32_once";
        case NORMA_HF: return "hf";
    }
    return nullptr;
}

bool is_backward(norma_op op) { return op == NORMA_LAYER_NORM_BACKWARD || op == NORMA_RMS_NORM_BACKWARD; }

bool is_layer_norm(norma_op op) { return op == NORMA_LAYER_NORM_FORWARD || op == NORMA_LAYER_NORM_BACKWARD; }

int dtype_size(norma_dtype dtype) { return dtype == NORMA_F32 ? 4 : dtype == NORMA_NONE ? 0 : 2; }

}  // namespace norma
