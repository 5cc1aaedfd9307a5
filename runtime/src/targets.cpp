// SPDX-License-Identifier: MIT
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "halide_hooks.h"
#include "text.h"

namespace norma {
namespace {

norma_status refuse(const char *source, const char *name, const char *why) {
    Text known;
    for (int32_t i = 0; i < target_count; i++) {
        known.add("%s%s%s", i ? ", " : "", targets[i].name, can_run(targets[i]) ? "" : " (not on this CPU)");
    }
    return fail(NORMA_UNSUPPORTED_TARGET, "%s is \"%s\", %s; expected one of: %s", source, name, why, known.c_str());
}

norma_status choose_by_name(const char *source, const char *name, const char *reason, TargetChoice *choice) {
    for (int32_t i = 0; i < target_count; i++) {
        if (strcmp(targets[i].name, name) == 0) {
            *choice = {i, reason};
            return can_run(targets[i]) ? NORMA_OK : refuse(source, name, "which this CPU cannot run");
        }
    }
    return refuse(source, name, "which this library does not hold");
}

}  // namespace

bool can_run(const Target &target) { return cpu_has_features(target.features); }

norma_status choose_target(const char *name, TargetChoice *choice) {
    if (name) {
        return choose_by_name("desc.target", name, "forced by desc.target", choice);
    }
    const char *from_environment = getenv("NORMA_TARGET");
    if (from_environment && *from_environment) {
        return choose_by_name("NORMA_TARGET", from_environment, "forced by NORMA_TARGET", choice);
    }
    for (int32_t i = 0; i < target_count; i++) {
        if (can_run(targets[i])) {
            *choice = {i, "the best that this CPU runs"};
            return NORMA_OK;
        }
    }
    return refuse("desc.target", "", "and this CPU runs none of the library's targets");
}

}  // namespace norma
