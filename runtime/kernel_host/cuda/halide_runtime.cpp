// SPDX-License-Identifier: MIT
// All that CUDA kernels ask of Halide's runtime: their image is loaded where it is not yet, and they are launched on
// the caller's stream. Buffers hold the caller's device addresses, so nothing is allocated, copied or waited for.
#include <HalideRuntimeCuda.h>

#include "driver.h"
#include "modules.h"
#include "runtime/kernel_host/call_context.h"

namespace {

using namespace norma;

constexpr int max_kernel_arguments = 64;

CudaCall &call_of(void *user_context) { return cuda_call(*static_cast<CallContext *>(user_context)); }

}  // namespace

extern "C" {

// `state` is the kernel's own, zero at first: its list of images.
int halide_cuda_initialize_kernels(void *user_context, void **state, const char *code, int) {
    static_assert(sizeof(std::atomic<CudaImage *>) == sizeof(void *), "the list's head is the kernel's state");
    CudaCall &call = call_of(user_context);
    call.image = find_image(call, *reinterpret_cast<std::atomic<CudaImage *> *>(state), code);
    return call.image ? 0 : halide_error_code_generic_error;
}

// A kernel that was compiled without assertions goes on after a failure: nothing may come of it.
int halide_cuda_run(void *user_context, void *, const char *name, int grid_x, int grid_y, int grid_z, int block_x,
                    int block_y, int block_z, int shared_bytes, size_t sizes[], void *given[], int8_t is_buffer[]) {
    CudaCall &call = call_of(user_context);
    void *function = call.status == NORMA_OK ? find_function(call, *call.image, name, shared_bytes) : nullptr;
    if (!function) {
        return halide_error_code_generic_error;
    }
    uint64_t addresses[max_kernel_arguments];
    void *arguments[max_kernel_arguments];
    int count = 0;
    for (; sizes[count] != 0; count++) {
        if (count == max_kernel_arguments) {
            fail_call(call, NORMA_INTERNAL, "a CUDA kernel has too many arguments");
            return halide_error_code_generic_error;
        }
        arguments[count] = given[count];
        if (is_buffer[count]) {
            addresses[count] = static_cast<const halide_buffer_t *>(given[count])->device;
            arguments[count] = &addresses[count];
        }
    }
    if (call.preload) {
        return 0;
    }
    auto extent = [](int value) { return static_cast<unsigned>(value); };
    const int error = cuda_driver()->cuLaunchKernel(function, extent(grid_x), extent(grid_y), extent(grid_z),
                                                    extent(block_x), extent(block_y), extent(block_z),
                                                    extent(shared_bytes), call.stream, arguments, nullptr);
    if (error != 0) {
        fail_call(call, "cuLaunchKernel", error);
    }
    return error == 0 ? 0 : halide_error_code_generic_error;
}

void halide_cuda_finalize_kernels(void *, void *) {}

const halide_device_interface_t *halide_cuda_device_interface() {
    static constexpr halide_device_interface_t interface = {};  // known by its address alone
    return &interface;
}

int halide_copy_to_device(void *, halide_buffer_t *, const halide_device_interface_t *) { return 0; }
}
