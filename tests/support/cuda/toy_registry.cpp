// SPDX-License-Identifier: MIT
// A library of the kernels that toy_generator compiles.
#include "tests/support/made_up_kernel.h"

extern "C" {
int toy_wide_argv(void **arguments);
int toy_narrow_argv(void **arguments);
}

namespace norma {
namespace {

constexpr Role roles[] = {Role::user_context, Role::x, Role::weight, Role::eps, Role::y, Role::rstd};

constexpr Kernel kernel(const char *name, int (*run)(void **), int32_t alignment) {
    Kernel kernel = test::made_up_kernel(name, 0, NORMA_RMS_NORM_FORWARD, run, roles);
    kernel.variant.weight = NORMA_F32;
    kernel.variant.hidden.multiple = 128;
    kernel.alignment = alignment;
    kernel.strategy = "toy";
    return kernel;
}

}  // namespace

const Target targets[] = {{"cuda-sm80", "", {}, {}, NORMA_CUDA, 80}};
const int32_t target_count = 1;
const Kernel kernels[] = {kernel("toy_wide", toy_wide_argv, 16), kernel("toy_narrow", toy_narrow_argv, 0)};
const int32_t kernel_count = 2;

}  // namespace norma
