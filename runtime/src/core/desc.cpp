// SPDX-License-Identifier: MIT
// What a norma_plan_desc may say, checked before anything is looked up.
#include <string.h>

#include "errors.h"
#include "plan.h"
#include "runtime/src/device/device.h"
#include "runtime/vocabulary/legality.h"
#include "text.h"

namespace norma {
namespace {

constexpr uint32_t slice_flags = NORMA_PARTIAL_STATISTICS | NORMA_MERGED_STATISTICS;
constexpr uint32_t forward_flags = slice_flags | NORMA_SAVE_STATISTICS | NORMA_Y_IN_PLACE | NORMA_RESIDUAL_OUT_IN_PLACE;
constexpr uint32_t backward_flags =
    slice_flags | NORMA_RECOMPUTE_STATISTICS | NORMA_F32_GRADIENTS | NORMA_DX_IN_PLACE | NORMA_ACCUMULATE_GRADIENTS;

norma_status check_device(norma_device device) {
    if (const Device *kind = find_device(device.type)) {
        return kind->check_id(device.id);
    }
    Text expected;
    add_device_constants(expected);
    return fail(NORMA_INVALID_ARGUMENT, "desc.device.type is %d; expected %s", static_cast<int>(device.type),
                expected.c_str());
}

norma_status check_flags(const norma_plan_desc &desc) {
    const uint32_t known = is_backward(desc.op) ? backward_flags : forward_flags;
    if (desc.flags & ~known) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.flags is 0x%x; expected a combination of 0x%x for %s", desc.flags,
                    known, op_name(desc.op));
    }
    if ((desc.flags & NORMA_PARTIAL_STATISTICS) && desc.flags != NORMA_PARTIAL_STATISTICS) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.flags is 0x%x; expected NORMA_PARTIAL_STATISTICS (0x%x) alone",
                    desc.flags, NORMA_PARTIAL_STATISTICS);
    }
    if ((desc.flags & NORMA_MERGED_STATISTICS) && (desc.flags & NORMA_RECOMPUTE_STATISTICS)) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.flags is 0x%x; expected NORMA_MERGED_STATISTICS or NORMA_RECOMPUTE_STATISTICS, not both",
                    desc.flags);
    }
    constexpr uint32_t in_place = NORMA_Y_IN_PLACE | NORMA_RESIDUAL_OUT_IN_PLACE;
    if ((desc.flags & in_place) && desc.contract == NORMA_RELAXED) {
        return fail(NORMA_INVALID_ARGUMENT,
                    "desc.flags is 0x%x; expected nothing in place (0x%x) with contract relaxed", desc.flags, in_place);
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
    desc.contract = desc.contract ? desc.contract : NORMA_FP32_ONCE;
    desc.device.type = desc.device.type ? desc.device.type : NORMA_CPU;
    desc.y = desc.y ? desc.y : desc.x;
    if (desc.hidden < 1 || desc.hidden > max_hidden) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.hidden is %lld; expected 1 to %lld",
                    static_cast<long long>(desc.hidden), static_cast<long long>(max_hidden));
    }
    Variant variant = variant_of(desc);
    const OpInfo *op = find_op(desc.op);
    if (op && !op->backward) {
        variant.statistics = statistics_of(desc.flags & slice_flags);  // it has no other flag, which check_flags says
    }
    Refusal why;
    if (!is_legal(variant, &why)) {
        return fail(NORMA_INVALID_ARGUMENT, "desc.%s", why.text);
    }
    norma_status status = check_flags(desc);
    status = status ? status : check_device(desc.device);
    *normalized = desc;
    return status;
}

bool same_variant(const norma_plan_desc &a, const norma_plan_desc &b) {
    auto same_text = [](const char *p, const char *q) { return p == q || (p && q && strcmp(p, q) == 0); };
    for (const Field &field : fields) {
        if (field.in_desc != absent && value_at(&a, field.in_desc) != value_at(&b, field.in_desc)) {
            return false;
        }
    }
    return a.device.type == b.device.type && a.device.id == b.device.id && a.hidden == b.hidden && a.flags == b.flags &&
           same_text(a.target, b.target) && same_text(a.kernel, b.kernel);
}

}  // namespace norma
