// SPDX-License-Identifier: MIT
// model_kernels MODEL < models.txt: the kernel of each place where the model normalizes, or why there is none.
#include <norma/norma.h>
#include <stdio.h>
#include <string.h>

static norma_dtype dtype(const char *name) {
    return strcmp(name, "f32") == 0 ? NORMA_F32 : strcmp(name, "f16") == 0 ? NORMA_F16 : NORMA_BF16;
}

int main(int argc, char **argv) {
    char line[256], model[32], op[32], x[8], weight[8], contract[16], residual[16];
    int status = argc == 2 ? 0 : 2, places = 0;
    while (status == 0 && fgets(line, sizeof line, stdin)) {
        long hidden;
        if (sscanf(line, "%31s %31s %7s %7s %15s %ld %15s", model, op, x, weight, contract, &hidden, residual) != 7 ||
            strcmp(model, argv[1]) != 0) {
            continue;
        }
        const int layer_norm = strcmp(op, "layer_norm") == 0;
        norma_plan_desc desc = {.size = sizeof desc,
                                .op = layer_norm ? NORMA_LAYER_NORM_FORWARD : NORMA_RMS_NORM_FORWARD,
                                .contract = strcmp(contract, "hf") == 0 ? NORMA_HF : NORMA_FP32_ONCE,
                                .hidden = hidden,
                                .x = dtype(x),
                                .weight = dtype(weight),
                                .bias = layer_norm ? dtype(weight) : NORMA_NONE,
                                .residual = strcmp(residual, "residual") == 0 ? dtype(x) : NORMA_NONE};
        norma_plan *plan;
        if (norma_plan_create(&desc, &plan) != NORMA_OK) {
            printf("%s: %s", norma_last_error(), line);
            status = 1;
        } else {
            puts(norma_plan_kernel(plan));
            places++;
        }
        norma_plan_destroy(plan);
    }
    return places > 0 ? status : 2;
}
