#!/usr/bin/env bash
# oneDNN 3.13.2 (PyPI onednn 2026.1.0, Linux x86-64): the backward of dnnl_layer_normalization with dnnl_rms_norm
# subtracts the mean of diff_dst * scale from the gradient, as LayerNorm's does. RMSNorm takes no mean from src, so its
# gradient has no such term: one that agrees with differences of the forward is
#   (g - n * mean(g * n)) * r,  with r = 1 / sqrt(mean(src^2) + eps), n = src * r, g = diff_dst * scale.
#
# Seen on 2026-11-28:
#   diff_src of oneDNN      -0.024343 -0.048686 -0.073030 0.097373
#   by differences          0.340805 0.316462 0.292119 0.462521
# All differ by 0.365148, which is r times the mean of g.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onednn-devel==2026.1.0
cat > "$work/show.c" << 'END'
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

enum { D = 4 };
static const float src[D] = {1, 2, 3, -4}, diff_dst[D] = {1, 1, 1, 1}, scale[D] = {1, 1, 1, 1};

static void check(dnnl_status_t status) {
    if (status != dnnl_success) {
        fprintf(stderr, "oneDNN: status %d\n", status);
        exit(2);
    }
}

static double loss(const double *x) {
    double squares = 0, sum = 0;
    for (int i = 0; i < D; i++) squares += x[i] * x[i] / D;
    for (int i = 0; i < D; i++) sum += diff_dst[i] * scale[i] * x[i] / sqrt(squares + 1e-5);
    return sum;
}

int main(void) {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    check(dnnl_engine_create(&engine, dnnl_cpu, 0));
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    const dnnl_dims_t shape = {1, D}, row = {1}, vector = {D};
    dnnl_memory_desc_t data, statistics, parameters;
    check(dnnl_memory_desc_create_with_tag(&data, 2, shape, dnnl_f32, dnnl_ab));
    check(dnnl_memory_desc_create_with_tag(&statistics, 1, row, dnnl_f32, dnnl_a));
    check(dnnl_memory_desc_create_with_tag(&parameters, 1, vector, dnnl_f32, dnnl_a));

    const unsigned flags = dnnl_use_scale | dnnl_rms_norm;
    dnnl_primitive_desc_t forward, backward;
    check(dnnl_layer_normalization_forward_primitive_desc_create(&forward, engine, dnnl_forward_training, data, data, statistics, 1e-5f,
                                                                 flags, NULL));
    check(dnnl_layer_normalization_backward_primitive_desc_create(&backward, engine, dnnl_backward, data, data, data, statistics, 1e-5f,
                                                                  flags, forward, NULL));
    float mean_square = 0, dst[D], diff_src[D], diff_scale[D];
    const struct {
        dnnl_primitive_desc_t of;
        int count;
        struct {
            int index;
            void *data;
            dnnl_memory_desc_t as;
        } arguments[6];
    } runs[] = {
        {forward, 4, {{DNNL_ARG_SRC, (void *)src, data}, {DNNL_ARG_SCALE, (void *)scale, parameters},
                      {DNNL_ARG_VARIANCE, &mean_square, statistics}, {DNNL_ARG_DST, dst, data}}},
        {backward, 6, {{DNNL_ARG_SRC, (void *)src, data}, {DNNL_ARG_SCALE, (void *)scale, parameters},
                       {DNNL_ARG_VARIANCE, &mean_square, statistics}, {DNNL_ARG_DIFF_DST, (void *)diff_dst, data},
                       {DNNL_ARG_DIFF_SRC, diff_src, data}, {DNNL_ARG_DIFF_SCALE, diff_scale, parameters}}}};
    for (int run = 0; run < 2; run++) {
        dnnl_primitive_t primitive;
        dnnl_exec_arg_t arguments[6];
        check(dnnl_primitive_create(&primitive, runs[run].of));
        for (int i = 0; i < runs[run].count; i++) {
            arguments[i].arg = runs[run].arguments[i].index;
            check(dnnl_memory_create(&arguments[i].memory, runs[run].arguments[i].as, engine, runs[run].arguments[i].data));
        }
        check(dnnl_primitive_execute(primitive, stream, runs[run].count, arguments));
        check(dnnl_stream_wait(stream));
    }

    double differences[D], furthest = 0;
    for (int i = 0; i < D; i++) {
        double more[D], less[D];
        for (int j = 0; j < D; j++) more[j] = src[j] + (i == j) * 1e-4, less[j] = src[j] - (i == j) * 1e-4;
        differences[i] = (loss(more) - loss(less)) / 2e-4;
        furthest = fmax(furthest, fabs(differences[i] - diff_src[i]));
    }
    printf("diff_src of oneDNN     ");
    for (int i = 0; i < D; i++) printf(" %f", diff_src[i]);
    printf("\nby differences         ");
    for (int i = 0; i < D; i++) printf(" %f", differences[i]);
    printf("\n");
    return furthest > 0.1 ? 0 : 1;
}
END
export LD_LIBRARY_PATH=$work/venv/lib OCL_ICD_FILENAMES=$work/venv/lib/libintelocl.so
cc -I"$work/venv/include" "$work/show.c" -o "$work/show" -L"$work/venv/lib" -ldnnl -lm -Wl,--allow-shlib-undefined
"$work/show"
