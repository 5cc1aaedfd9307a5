// SPDX-License-Identifier: MIT
// Memory that a CUDA kernel asks for: ours need none, and a run must not allocate.
#include <HalideRuntime.h>

#include "runtime/kernel_host/cuda/modules.h"

extern "C" {

int halide_device_malloc(void *user_context, halide_buffer_t *, const halide_device_interface_t *) {
    norma::fail_call(norma::cuda_call(*static_cast<norma::CallContext *>(user_context)), NORMA_INTERNAL,
                     "a CUDA kernel asked for memory");
    return halide_error_code_generic_error;
}

int halide_device_free(void *, halide_buffer_t *) { return 0; }
}
