// SPDX-License-Identifier: MIT
#include "registry.h"

#include <HalideRuntimeCuda.h>

#include <cstring>

#include "tests/support/made_up_kernel.h"

namespace norma::test {
namespace {

// As normagen's kernels embed theirs.
const char ptx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry made_up(.param .u64 x, .param .u64 y, .param .u64 rstd, .param .f32 eps, .param .u32 row_stride) { ret; }
.visible .entry made_up_more(.param .u64 x) { ret; }
)";

// One entry of PTX for 8.0; tests/support/cuda/fatbin.cpp names the fields.
struct Fatbin {
    uint32_t magic = 0xBA55ED50;
    uint16_t version = 1, header_bytes = 16;
    uint64_t bytes = 64 + sizeof(ptx);
    uint16_t kind = 1, entry_version = 0x101;
    uint32_t entry_header_bytes = 64;
    uint64_t payload_bytes = sizeof(ptx);
    uint32_t unused[3] = {}, sm = 80;
    uint32_t no_flags[8] = {};
    char text[sizeof(ptx)];

    Fatbin() { std::memcpy(text, ptx, sizeof(ptx)); }
};
const Fatbin fatbin;

struct Call {
    void *user_context;
    void *state;

    int run(const char *entry, int grid, int block, int shared, size_t *sizes, void **arguments, int8_t *is_buffer) {
        return halide_cuda_run(user_context, state, entry, grid, 1, 1, block, 1, 1, shared, sizes, arguments,
                               is_buffer);
    }
};

// One block for each row. The second launch goes on after a failure of the first, as in a kernel without assertions.
template <int threads, int shared_bytes, const auto &code>
int launch_rows(void **arguments) {
    static void *state = nullptr;
    void *context = *static_cast<void **>(arguments[0]);
    auto *x = static_cast<halide_buffer_t *>(arguments[1]);
    auto *y = static_cast<halide_buffer_t *>(arguments[3]);
    halide_cuda_initialize_kernels(context, &state, reinterpret_cast<const char *>(&code), sizeof(code));
    Call call = {context, state};
    halide_copy_to_device(context, x, halide_cuda_device_interface());
    size_t sizes[] = {8, 8, 8, 4, 4, 0};
    int8_t is_buffer[] = {1, 1, 1, 0, 0, 0};
    int32_t row_stride = x->dim[1].stride;
    void *given[] = {x, y, arguments[4], arguments[2], &row_stride, nullptr};
    call.run(kernel_entry, x->dim[1].extent, threads, shared_bytes, sizes, given, is_buffer);
    size_t more_sizes[] = {8, 0};
    call.run(second_entry, 1, threads, 0, more_sizes, given, is_buffer);
    halide_cuda_finalize_kernels(context, state);
    return 0;
}

int asks_for_memory(void **arguments) {
    void *context = *static_cast<void **>(arguments[0]);
    return halide_device_malloc(context, static_cast<halide_buffer_t *>(arguments[3]), halide_cuda_device_interface());
}

int on_the_cpu(void **) { return 0; }

constexpr Role roles[] = {Role::user_context, Role::x, Role::eps, Role::y, Role::rstd};

constexpr Kernel kernel(const char *name, uint16_t target, norma_op op, int (*run)(void **), int multiple,
                        int32_t alignment, const char *strategy = "made_up") {
    Kernel kernel = made_up_kernel(name, target, op, run, roles);
    kernel.variant.hidden.multiple = multiple;
    kernel.alignment = alignment;
    kernel.strategy = strategy;
    kernel.knobs = "{}";
    return kernel;
}

}  // namespace

norma_plan_desc describe(int64_t hidden, int32_t device, norma_op op) {
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = op;
    desc.device = {NORMA_CUDA, device};
    desc.x = NORMA_F32;
    desc.hidden = hidden;
    return desc;
}

}  // namespace norma::test

namespace norma {

using namespace norma::test;

const Target targets[] = {{"cuda-sm100", "", {}, {}, NORMA_CUDA, 100},
                          {"cuda-sm90", "", {}, {}, NORMA_CUDA, 90},
                          {"cuda-sm80", "", {}, {}, NORMA_CUDA, 80},
                          {"plain", "", {}, {}, NORMA_CPU, 0}};
const int32_t target_count = 4;

const Kernel kernels[] = {
    kernel("any", 1, NORMA_RMS_NORM_FORWARD, launch_rows<narrow_threads, 0, ptx>, 1, 0),
    kernel("4n.other", 1, NORMA_RMS_NORM_FORWARD, launch_rows<wide_threads, 2, ptx>, 4, 0, "other"),
    kernel("4n", 1, NORMA_RMS_NORM_FORWARD, launch_rows<wide_threads, 0, ptx>, 4, 16),
    kernel("4n.narrow", 1, NORMA_RMS_NORM_FORWARD, launch_rows<narrow_threads, 1, ptx>, 4, 0),
    kernel("any.fatbin", 2, NORMA_RMS_NORM_FORWARD, launch_rows<narrow_threads, large_shared_bytes, fatbin>, 1, 0),
    kernel("8n.fatbin", 2, NORMA_RMS_NORM_FORWARD, launch_rows<wide_threads, 0, fatbin>, 8, 16),
    kernel("memory", 2, NORMA_LAYER_NORM_FORWARD, asks_for_memory, 1, 0),
    kernel("any.cpu", 3, NORMA_RMS_NORM_FORWARD, on_the_cpu, 1, 0),
};
const int32_t kernel_count = sizeof(kernels) / sizeof(*kernels);

}  // namespace norma
