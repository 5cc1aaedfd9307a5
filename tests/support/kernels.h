// SPDX-License-Identifier: MIT
// The kernels of the library under test.
#pragma once

#include <string>
#include <vector>

#include "norma/norma.h"

namespace norma::test {

// Throws std::runtime_error with the status and the last message.
void require_ok(norma_status status, const std::string &what);

std::vector<norma_kernel_info> all_kernels();
// The library's last target of CPUs, which each of its architecture runs.
std::string baseline_target();
// Those that the device under test executes: this CPU, or see cuda_device.h.
std::vector<norma_kernel_info> runnable_kernels();
bool can_run(const norma_kernel_info &kernel, int64_t hidden);
std::string label(const norma_kernel_info &kernel);

// The kernel for all hidden sizes, with y of the type of x, of the target that plans choose.
norma_kernel_info find_kernel(norma_op op, norma_dtype x, norma_dtype weight, norma_dtype bias = NORMA_NONE,
                              norma_dtype residual = NORMA_NONE);

// Which kernels were run since the process began. For one thread.
void record_run(const char *target, const char *kernel);
bool was_run(const norma_kernel_info &kernel);

}  // namespace norma::test
