// SPDX-License-Identifier: MIT
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "halide_hooks.h"
#include "runtime/src/device/cuda/cuda_driver.h"
#include "text.h"

namespace norma {
namespace {

bool runs_on(const Target &target, norma_device device) {
    if (device_of(target) != device.type) {
        return false;
    }
    const CudaDevices *devices = device.type == NORMA_CUDA ? &cuda_devices() : nullptr;
    return devices ? device.id < devices->count && target.sm <= devices->at[device.id].sm
                   : cpu_has_features(target.features);
}

norma_status refuse(const char *source, const char *name, const char *why, norma_device device) {
    const char *place = device.type == NORMA_CUDA ? "device" : "CPU";
    Text known;
    for (int32_t i = 0; i < target_count; i++) {
        if (device_of(targets[i]) == device.type) {
            known.add("%s%s", *known.c_str() ? ", " : "", targets[i].name);
            runs_on(targets[i], device) ? void() : known.add(" (not on this %s)", place);
        }
    }
    return fail(NORMA_UNSUPPORTED_TARGET, "%s is \"%s\", %s; expected one of: %s", source, name, why, known.c_str());
}

struct Reasons {
    const char *cannot_run, *best, *none;
};

constexpr Reasons cpu_reasons = {"which this CPU cannot run", "the best that this CPU runs",
                                 "and this CPU runs none of the library's targets"};
constexpr Reasons cuda_reasons = {"which this device cannot run", "the best that this device runs",
                                  "and this device runs none of the library's targets"};

const Reasons &reasons(norma_device device) { return device.type == NORMA_CUDA ? cuda_reasons : cpu_reasons; }

int32_t find_target(const char *name) {
    for (int32_t i = 0; i < target_count; i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

norma_status choose_by_name(const char *source, const char *name, norma_device device, const char *reason,
                            TargetChoice *choice) {
    const int32_t index = find_target(name);
    if (index < 0) {
        return refuse(source, name, "which this library does not hold", device);
    }
    *choice = {index, reason};
    if (device_of(targets[index]) != device.type) {
        return refuse(source, name, "which is for another type of device", device);
    }
    return runs_on(targets[index], device) ? NORMA_OK : refuse(source, name, reasons(device).cannot_run, device);
}

// Beside the targets themselves.
norma_status check_cuda(int32_t id) {
    bool any = false;
    for (int32_t i = 0; i < target_count; i++) {
        any |= device_of(targets[i]) == NORMA_CUDA;
    }
    if (!any) {
        return fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; this library has no kernels for CUDA", id);
    }
    const char *why = nullptr;
    if (!cuda_driver(&why)) {
        return fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; %s", id, why);
    }
    const int count = cuda_devices().count;
    return id < count
               ? NORMA_OK
               : fail(NORMA_NO_DEVICE, "desc.device is CUDA %d; expected 0 to %d, as the driver has", id, count - 1);
}

}  // namespace

bool can_run(const Target &target) {
    const norma_device_type type = device_of(target);
    const int count = type == NORMA_CUDA ? cuda_devices().count : 1;
    for (int i = 0; i < count; i++) {
        if (runs_on(target, {type, i})) {
            return true;
        }
    }
    return false;
}

norma_status choose_target(const char *name, norma_device device, TargetChoice *choice) {
    const norma_status status = device.type == NORMA_CUDA ? check_cuda(device.id) : NORMA_OK;
    if (status != NORMA_OK) {
        return status;
    }
    if (name) {
        return choose_by_name("desc.target", name, device, "forced by desc.target", choice);
    }
    const char *from_environment = getenv("NORMA_TARGET");
    const int32_t forced = from_environment && *from_environment ? find_target(from_environment) : -1;
    const bool other = forced >= 0 && device_of(targets[forced]) != device.type;
    if (from_environment && *from_environment && !other) {
        return choose_by_name("NORMA_TARGET", from_environment, device, "forced by NORMA_TARGET", choice);
    }
    for (int32_t i = 0; i < target_count; i++) {
        if (runs_on(targets[i], device)) {
            *choice = {i, reasons(device).best};
            return NORMA_OK;
        }
    }
    return refuse("desc.target", "", reasons(device).none, device);
}

}  // namespace norma
