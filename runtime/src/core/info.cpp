// SPDX-License-Identifier: MIT
// What the library holds, for tools.
#include "errors.h"
#include "runtime/vocabulary/fields.h"
#include "targets.h"

namespace norma {
namespace {

norma_status check(int32_t index, int32_t count, const void *info, size_t size, size_t expected) {
    if (index < 0 || index >= count) {
        return fail(NORMA_INVALID_ARGUMENT, "index is %d; expected 0 to %d", index, count - 1);
    }
    if (!info) {
        return fail(NORMA_INVALID_ARGUMENT, "info is null");
    }
    if (size < expected) {
        return fail(NORMA_INVALID_ARGUMENT, "info.size is %zu; expected the size of its struct (%zu)", size, expected);
    }
    return NORMA_OK;
}

// -1 when the environment forces a target that cannot be used.
int32_t chosen_target(norma_device_type type) {
    TargetChoice choice = {};
    return choose_target(nullptr, *find_device(type), 0, &choice) == NORMA_OK ? choice.index : -1;
}

}  // namespace
}  // namespace norma

const char *norma_version(void) {
#define NORMA_TEXT(x) #x
#define NORMA_DOTTED(major, minor, patch) NORMA_TEXT(major) "." NORMA_TEXT(minor) "." NORMA_TEXT(patch)
    return NORMA_DOTTED(NORMA_VERSION_MAJOR, NORMA_VERSION_MINOR, NORMA_VERSION_PATCH);
}

int32_t norma_kernel_count(void) { return norma::kernel_count; }

int32_t norma_target_count(void) { return norma::target_count; }

norma_status norma_get_kernel_info(int32_t index, norma_kernel_info *info) {
    const norma_status status =
        norma::check(index, norma::kernel_count, info, info ? info->size : 0, sizeof(norma_kernel_info));
    if (status != NORMA_OK) {
        return status;
    }
    const norma::Kernel &kernel = norma::kernels[index];
    const norma::Target &target = norma::targets[kernel.target];
    const norma::HiddenClass hidden = runs(kernel.variant);
    for (const norma::Field &field : norma::fields) {
        if (field.in_info != norma::absent) {
            norma::set_value_at(info, field.in_info, norma::value_of(kernel.variant, field));
        }
    }
    info->name = kernel.name;
    info->target = target.name;
    info->flags = flag_of(kernel.variant.statistics);
    info->hidden_multiple = hidden.multiple;
    info->hidden_exact = hidden.exact;
    info->hidden_most = hidden.most;
    info->strategy = kernel.strategy;
    info->knobs = kernel.knobs;
    info->origin = kernel.origin;
    info->runnable = norma::can_run(target);
    info->device = target.device;
    info->alignment = kernel.alignment;
    return NORMA_OK;
}

norma_status norma_get_target_info(int32_t index, norma_target_info *info) {
    const norma_status status =
        norma::check(index, norma::target_count, info, info ? info->size : 0, sizeof(norma_target_info));
    if (status != NORMA_OK) {
        return status;
    }
    const norma::Target &target = norma::targets[index];
    const bool chosen = norma::chosen_target(target.device) == index;
    *info = {info->size, target.name, target.halide, norma::can_run(target), chosen, target.device, target.capability};
    return NORMA_OK;
}
