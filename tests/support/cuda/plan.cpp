// SPDX-License-Identifier: MIT
// Makes a plan on CUDA and one on the CPU, each with a line on how that went, and counts the targets that run here.
#include <cstdio>
#include <initializer_list>

#include "registry.h"

int main() {
    norma_plan_desc desc = norma::test::describe(33);
    for (norma_device_type device : {NORMA_CUDA, NORMA_CPU}) {
        desc.device = {device, 0};
        norma_plan *plan = nullptr;
        const norma_status status = norma_plan_create(&desc, &plan);
        std::printf("%d %s\n", static_cast<int>(status),
                    status == NORMA_OK ? norma_plan_kernel(plan) : norma_last_error());
        norma_plan_destroy(plan);
    }
    int runnable = 0;
    for (int32_t i = 0; i < norma_target_count(); i++) {
        norma_target_info info = {};
        info.size = sizeof(info);
        runnable += norma_get_target_info(i, &info) == NORMA_OK && info.runnable;
    }
    std::printf("%d targets run here\n", runnable);
}
