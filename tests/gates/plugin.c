// SPDX-License-Identifier: MIT
// A plug-in with a library of its own: a parallel run, a refusal, and the end. 0, or 1.
#include <norma/norma.h>
#include <stddef.h>

enum { rows = 64, hidden = 4 };

int use(void) {
    float x[rows * hidden], y[rows * hidden];
    for (int i = 0; i < rows * hidden; i++) {
        x[i] = (float)(i % hidden - 1);
        y[i] = 0;
    }
    const norma_tensor in = {x, NORMA_F32, {NORMA_CPU, 0}, 2, {rows, hidden}, {hidden, 1}};
    norma_tensor out = in;
    out.data = y;
    const norma_plan_desc desc = {.size = sizeof desc, .op = NORMA_RMS_NORM_FORWARD, .x = NORMA_F32, .hidden = hidden};
    norma_arguments arguments = {.size = sizeof arguments, .x = in, .y = out};
    const norma_execution execution = {.size = sizeof execution, .threads = 3};
    int failed = norma_set_num_threads(3) != NORMA_OK;
    failed += norma_run(&desc, &arguments, &execution) != NORMA_OK;
    failed += y[rows * hidden - 1] != y[hidden - 1] || y[hidden - 1] == 0;
    arguments.eps = -1;
    failed += norma_run(&desc, &arguments, &execution) != NORMA_INVALID_ARGUMENT || norma_last_error()[0] == '\0';
    norma_shutdown();
    return failed != 0;
}
