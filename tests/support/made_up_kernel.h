// SPDX-License-Identifier: MIT
// Entries of registries that tests make up.
#pragma once

#include "runtime/src/core/registry.h"

namespace norma::test {

// Of f32, for any hidden size, without weight or bias.
template <size_t count>
constexpr Kernel made_up_kernel(const char *name, uint16_t target, norma_op op, int (*run)(void **),
                                const Role (&arguments)[count]) {
    Kernel kernel = {};
    kernel.name = name;
    kernel.target = target;
    kernel.variant.op = op;
    kernel.run = run;
    kernel.run_time = {most_run_time, 0, 0, 32768};
    kernel.argument_count = count;
    kernel.arguments = arguments;
    kernel.strategy = kernel.knobs = kernel.origin = "";
    return kernel;
}

}  // namespace norma::test
