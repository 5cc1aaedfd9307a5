// SPDX-License-Identifier: MIT
#include <norma/norma.h>
#include <stdio.h>

int main(void) {
    enum { rows = 4, hidden = 768 };
    static float x[rows * hidden], y[rows * hidden], weight[hidden];
    for (int i = 0; i < rows * hidden; i++)
        x[i] = (float)(i % 17) - 8.0f;
    for (int i = 0; i < hidden; i++)
        weight[i] = 1.0f;

    norma_plan_desc desc = {
        .size = sizeof desc, .op = NORMA_RMS_NORM_FORWARD, .hidden = hidden, .x = NORMA_F32, .weight = NORMA_F32};
    norma_plan *plan;
    if (norma_plan_create(&desc, &plan) != NORMA_OK) {
        fprintf(stderr, "%s\n", norma_last_error());
        return 1;
    }
    const norma_device cpu = {NORMA_CPU, 0};
    norma_arguments arguments = {.size = sizeof arguments,
                                 .eps = 1e-6f,
                                 .x = {x, NORMA_F32, cpu, 2, {rows, hidden}, {hidden, 1}},
                                 .y = {y, NORMA_F32, cpu, 2, {rows, hidden}, {hidden, 1}},
                                 .weight = {weight, NORMA_F32, cpu, 1, {hidden}, {1}}};
    norma_status status = norma_plan_run(plan, &arguments, NULL);
    printf("%s: %s, y[0] = %g\n", norma_plan_kernel(plan), norma_status_string(status), y[0]);

    // The same call again and again, as for each token of a decoder: one row, checked once, then run wherever it lies.
    arguments.x.shape[0] = arguments.y.shape[0] = 1;
    norma_call *call = NULL;
    if (status == NORMA_OK)
        status = norma_bind(plan, &arguments, NULL, &call);
    for (int row = 0; row < rows && status == NORMA_OK; row++) {
        status = norma_call_set_data(call, NORMA_TENSOR_X, x + row * hidden);
        if (status == NORMA_OK)
            status = norma_call_set_data(call, NORMA_TENSOR_Y, y + row * hidden);
        if (status == NORMA_OK)
            status = norma_call_run(call, 1);
    }
    printf("row by row: %s, y[0] = %g\n", norma_status_string(status), y[0]);
    norma_call_destroy(call);
    norma_plan_destroy(plan);
    return status;
}
