// SPDX-License-Identifier: MIT
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "text.h"

namespace norma {
namespace {

bool runs_on(const Target &target, const Device &device, int32_t id) {
    return target.device == device.type && device.runs(target, id);
}

norma_status refuse(const char *source, const char *name, const char *why, const Device &device, int32_t id) {
    Text known;
    for (int32_t i = 0; i < target_count; i++) {
        if (targets[i].device == device.type) {
            known.add("%s%s", *known.c_str() ? ", " : "", targets[i].name);
            runs_on(targets[i], device, id) ? void() : known.add(" (not on this %s)", device.noun);
        }
    }
    return fail(NORMA_UNSUPPORTED_TARGET, "%s is \"%s\", %s; expected one of: %s", source, name, why, known.c_str());
}

int32_t find_target(const char *name) {
    for (int32_t i = 0; i < target_count; i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

norma_status choose_by_name(const char *source, const char *name, const Device &device, int32_t id, const char *reason,
                            TargetChoice *choice) {
    const int32_t index = find_target(name);
    if (index < 0) {
        return refuse(source, name, "which this library does not hold", device, id);
    }
    *choice = {index, reason};
    if (targets[index].device != device.type) {
        return refuse(source, name, "which is for another type of device", device, id);
    }
    if (runs_on(targets[index], device, id)) {
        return NORMA_OK;
    }
    Text why;
    why.add("which this %s cannot run", device.noun);
    return refuse(source, name, why.c_str(), device, id);
}

}  // namespace

bool can_run(const Target &target) {
    const Device &device = *find_device(target.device);
    const int32_t count = device.count();
    for (int32_t id = 0; id < count; id++) {
        if (runs_on(target, device, id)) {
            return true;
        }
    }
    return false;
}

norma_status choose_target(const char *name, const Device &device, int32_t id, TargetChoice *choice) {
    const norma_status status = device.check_there(id);
    if (status != NORMA_OK) {
        return status;
    }
    if (name) {
        return choose_by_name("desc.target", name, device, id, "asked for by name", choice);
    }
    const char *from_environment = getenv("NORMA_TARGET");
    const int32_t forced = from_environment && *from_environment ? find_target(from_environment) : -1;
    const bool other = forced >= 0 && targets[forced].device != device.type;
    if (from_environment && *from_environment && !other) {
        return choose_by_name("NORMA_TARGET", from_environment, device, id, "forced by NORMA_TARGET", choice);
    }
    for (int32_t i = 0; i < target_count; i++) {
        if (runs_on(targets[i], device, id)) {
            *choice = {i, device.best};
            return NORMA_OK;
        }
    }
    Text why;
    why.add("and this %s runs none of the library's targets", device.noun);
    return refuse("desc.target", "", why.c_str(), device, id);
}

}  // namespace norma
