// SPDX-License-Identifier: MIT
#include "device.h"

#include "devices.h"
#include "runtime/src/core/text.h"

namespace norma {

const Device *find_device(norma_device_type type) {
    for (int32_t i = 0; i < device_count; i++) {
        if (devices[i]->type == type) {
            return devices[i];
        }
    }
    return nullptr;
}

void add_device_constants(Text &text) {
    for (int32_t i = 0; i < device_count; i++) {
        const char *before = i == 0 ? "" : i + 1 < device_count ? ", " : " or ";
        text.add("%s%s", before, devices[i]->constant);
    }
}

}  // namespace norma
