// SPDX-License-Identifier: MIT
// Makes a plan on CUDA and one on the CPU, each with a line on how that went.
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
}
