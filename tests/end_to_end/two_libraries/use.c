// SPDX-License-Identifier: MIT
// Uses the library that it is compiled and linked with, of which it expects kernels for OP alone. 0, or 1 with a
// message.
#include <math.h>
#include <norma/norma.h>
#include <stdio.h>

static int wrong(const char *what) {
    fprintf(stderr, "op %d: %s\n", (int)OP, what);
    return 1;
}

static norma_tensor row(float *data, int64_t hidden) {
    const norma_tensor tensor = {data, NORMA_F32, {NORMA_CPU, 0}, 2, {1, hidden}, {hidden, 1}};
    return tensor;
}

int USE(void) {
    norma_kernel_info info = {.size = sizeof info};
    for (int32_t i = 0; i < norma_kernel_count(); i++) {
        if (norma_get_kernel_info(i, &info) != NORMA_OK || info.op != OP) {
            return wrong("the library's kernels are another's");
        }
    }
    float x[] = {1, 2, 3, 6}, y[4];
    const norma_plan_desc desc = {.size = sizeof desc, .op = OP, .x = NORMA_F32, .hidden = 4};
    const norma_arguments arguments = {.size = sizeof arguments, .x = row(x, 4), .y = row(y, 4)};
    if (norma_run(&desc, &arguments, NULL) != NORMA_OK) {
        return wrong(norma_last_error());
    }
    const int centered = OP == NORMA_LAYER_NORM_FORWARD;
    const double mean = centered ? 3 : 0, deviation = sqrt(centered ? 3.5 : 12.5);
    for (int i = 0; i < 4; i++) {
        if (fabs(y[i] - (x[i] - mean) / deviation) > 1e-6) {
            return wrong("a wrong value");
        }
    }
    norma_plan_desc other = desc;
    other.op = centered ? NORMA_RMS_NORM_FORWARD : NORMA_LAYER_NORM_FORWARD;
    norma_plan *plan = NULL;
    if (norma_plan_create(&other, &plan) != NORMA_NOT_IN_LIBRARY) {
        return wrong("expected no kernel of another library");
    }
    norma_shutdown();
    return 0;
}
