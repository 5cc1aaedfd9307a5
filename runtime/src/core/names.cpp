// SPDX-License-Identifier: MIT
#include "names.h"

namespace norma {

const char *dtype_name(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_NONE: return "none";
        case NORMA_F32: return "f32";
        case NORMA_F16: return "f16";
        case NORMA_BF16: return "bf16";
        case NORMA_I8: return "i8";
        case NORMA_F8_E4M3: return "f8_e4m3";
        case NORMA_F8_E5M2: return "f8_e5m2";
        case NORMA_U8: return "u8";
        case NORMA_I32: return "i32";
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

const char *scale_name(norma_scale scale) {
    switch (scale) {
        case NORMA_SCALE_NONE: return "none";
        case NORMA_SCALE_TENSOR: return "tensor";
        case NORMA_SCALE_ROW: return "row";
        case NORMA_SCALE_GROUP_32: return "group_32";
        case NORMA_SCALE_GROUP_64: return "group_64";
        case NORMA_SCALE_GROUP_128: return "group_128";
    }
    return nullptr;
}

int group_size(norma_scale scale) {
    return scale == NORMA_SCALE_GROUP_32    ? 32
           : scale == NORMA_SCALE_GROUP_64  ? 64
           : scale == NORMA_SCALE_GROUP_128 ? 128
                                            : 0;
}

bool is_quantized(norma_dtype dtype) { return dtype >= NORMA_I8 && dtype <= NORMA_I32; }

int dtype_size(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_NONE: return 0;
        case NORMA_F32:
        case NORMA_I32: return 4;
        case NORMA_F16:
        case NORMA_BF16: return 2;
        default: return 1;
    }
}

}  // namespace norma
