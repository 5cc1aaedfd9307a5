// SPDX-License-Identifier: MIT
// What a norma_plan_desc may say, checked before anything is looked up.
#include <string.h>

#include "errors.h"
#include "names.h"
#include "plan.h"

namespace norma {
namespace {

constexpr int64_t max_hidden = int64_t{1} << 30;
constexpr uint32_t forward_flags = NORMA_SAVE_STATISTICS | NORMA_Y_IN_PLACE | NORMA_RESIDUAL_OUT_IN_PLACE;
constexpr uint32_t backward_flags = NORMA_RECOMPUTE_STATISTICS | NORMA_F32_GRADIENTS | NORMA_DX_IN_PLACE;

// What a tensor may be: bits of norma_dtype, and how a message says it.
struct Types {
    uint32_t allowed;
    const char *expected;
};

constexpr uint32_t bit(norma_dtype dtype) { return 1u << dtype; }
constexpr uint32_t float_types = bit(NORMA_F32) | bit(NORMA_F16) | bit(NORMA_BF16);
constexpr Types any_float = {float_types, "NORMA_F32, NORMA_F16 or NORMA_BF16"};
constexpr Types optional_float = {bit(NORMA_NONE) | float_types, "NORMA_NONE, NORMA_F32, NORMA_F16 or NORMA_BF16"};
constexpr Types of_forward_x = {float_types | bit(NORMA_I8) | bit(NORMA_I32),
                                "NORMA_F32, NORMA_F16, NORMA_BF16, NORMA_I8 or NORMA_I32"};
constexpr Types of_forward_y = {float_types | bit(NORMA_I8) | bit(NORMA_U8) | bit(NORMA_F8_E4M3) | bit(NORMA_F8_E5M2),
                                "NORMA_F32, NORMA_F16, NORMA_BF16, NORMA_I8, NORMA_U8, NORMA_F8_E4M3 or NORMA_F8_E5M2"};

norma_status check_dtype(const char *name, norma_dtype dtype, const Types &types) {
    if (!dtype_name(dtype) || !(types.allowed & bit(dtype))) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.%s is %d; expected %s", name, static_cast<int>(dtype),
                    types.expected);
    }
    return NORMA_OK;
}

norma_status check_scale(const norma_plan_desc &desc) {
    if (!scale_name(desc.scale)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.scale is %d; expected NORMA_SCALE_NONE to NORMA_SCALE_GROUP_128",
                    static_cast<int>(desc.scale));
    }
    if (is_quantized(desc.y) != (desc.scale != NORMA_SCALE_NONE)) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.scale is %s and desc.y is %s; expected a scale for a quantized y alone",
                    scale_name(desc.scale), dtype_name(desc.y));
    }
    if (desc.y == NORMA_U8 && desc.scale != NORMA_SCALE_TENSOR) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.scale is %s; expected NORMA_SCALE_TENSOR for y in NORMA_U8",
                    scale_name(desc.scale));
    }
    if (desc.y_float != NORMA_NONE && !is_quantized(desc.y)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.y_float is %s; expected NORMA_NONE, since y is not quantized",
                    dtype_name(desc.y_float));
    }
    const int group = group_size(desc.scale);
    if (group != 0 && desc.hidden % group != 0) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.hidden is %lld; expected whole groups of %d",
                    static_cast<long long>(desc.hidden), group);
    }
    if (desc.contract == NORMA_HF && (is_quantized(desc.x) || is_quantized(desc.y))) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.contract is NORMA_HF; expected NORMA_FP32_ONCE with a quantized type");
    }
    return NORMA_OK;
}

norma_status check_device(norma_device device) {
    if (device.type != NORMA_CPU && device.type != NORMA_CUDA) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.device.type is %d; expected NORMA_CPU or NORMA_CUDA",
                    static_cast<int>(device.type));
    }
    if (device.type == NORMA_CUDA && device.id < 0) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.device.id is %d; expected 0 or more", device.id);
    }
    if (device.type == NORMA_CPU && device.id != 0) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.device.id is %d; expected 0 for the CPU", device.id);
    }
    return NORMA_OK;
}

norma_status check_contract(const norma_plan_desc &desc) {
    if (!contract_name(desc.contract)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.contract is %d; expected NORMA_FP32_ONCE or NORMA_HF",
                    static_cast<int>(desc.contract));
    }
    if (desc.contract == NORMA_HF && is_layer_norm(desc.op)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.contract is NORMA_HF; expected NORMA_FP32_ONCE for %s",
                    op_name(desc.op));
    }
    if (desc.contract == NORMA_HF && desc.bias != NORMA_NONE) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.bias is %s; expected NORMA_NONE with the contract NORMA_HF",
                    dtype_name(desc.bias));
    }
    return NORMA_OK;
}

norma_status check_flags(const norma_plan_desc &desc) {
    const uint32_t known = is_backward(desc.op) ? backward_flags : forward_flags;
    if (desc.flags & ~known) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.flags is 0x%x; expected a combination of 0x%x for %s", desc.flags,
                    known, op_name(desc.op));
    }
    if ((desc.flags & NORMA_Y_IN_PLACE) && desc.y != desc.x) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.flags has NORMA_Y_IN_PLACE and desc.y is %s; expected the type of x (%s)", dtype_name(desc.y),
                    dtype_name(desc.x));
    }
    if ((desc.flags & NORMA_RESIDUAL_OUT_IN_PLACE) && desc.residual == NORMA_NONE) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.flags has NORMA_RESIDUAL_OUT_IN_PLACE and desc.residual is NORMA_NONE; expected a type");
    }
    if ((desc.flags & NORMA_DX_IN_PLACE) && desc.residual != desc.x) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.flags has NORMA_DX_IN_PLACE and desc.residual is %s; expected the type of x (%s)",
                    dtype_name(desc.residual), dtype_name(desc.x));
    }
    return NORMA_OK;
}

}  // namespace

norma_status normalize(const norma_plan_desc *given, norma_plan_desc *normalized) {
    if (!given) {
        return fail(NORMA_INVALID_ARGUMENT, "desc is null");
    }
    if (given->size < sizeof(norma_plan_desc)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.size is %zu; expected sizeof(norma_plan_desc) (%zu)", given->size,
                    sizeof(norma_plan_desc));
    }
    norma_plan_desc desc = *given;
    desc.size = sizeof(norma_plan_desc);
    if (!op_name(desc.op)) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.op is %d; expected NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD, "
                    "NORMA_LAYER_NORM_BACKWARD or NORMA_RMS_NORM_BACKWARD",
                    static_cast<int>(desc.op));
    }
    desc.contract = desc.contract ? desc.contract : NORMA_FP32_ONCE;
    desc.device.type = desc.device.type ? desc.device.type : NORMA_CPU;
    desc.y = desc.y ? desc.y : desc.x;
    if (desc.hidden < 1 || desc.hidden > max_hidden) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.hidden is %lld; expected 1 to %lld",
                    static_cast<long long>(desc.hidden), static_cast<long long>(max_hidden));
    }
    const bool backward = is_backward(desc.op);
    norma_status status = check_dtype("x", desc.x, backward ? any_float : of_forward_x);
    status = status ? status : check_dtype("y", desc.y, backward ? any_float : of_forward_y);
    status = status ? status : check_dtype("y_float", desc.y_float, optional_float);
    status = status ? status : check_dtype("weight", desc.weight, optional_float);
    status = status ? status : check_dtype("bias", desc.bias, optional_float);
    status = status ? status : check_dtype("residual", desc.residual, optional_float);
    status = status ? status : check_contract(desc);
    status = status ? status : check_scale(desc);
    status = status ? status : check_flags(desc);
    status = status ? status : check_device(desc.device);
    *normalized = desc;
    return status;
}

bool same_variant(const norma_plan_desc &a, const norma_plan_desc &b) {
    auto same_text = [](const char *p, const char *q) { return p == q || (p && q && strcmp(p, q) == 0); };
    return a.op == b.op && a.contract == b.contract && a.device.type == b.device.type && a.device.id == b.device.id &&
           a.hidden == b.hidden && a.x == b.x && a.y == b.y && a.weight == b.weight && a.bias == b.bias &&
           a.residual == b.residual && a.y_float == b.y_float && a.scale == b.scale && a.flags == b.flags &&
           same_text(a.target, b.target) && same_text(a.kernel, b.kernel);
}

}  // namespace norma
