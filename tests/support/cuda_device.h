// SPDX-License-Identifier: MIT
// CUDA for tests that know memory of the CPU alone: they run on a device of the machine, or on the fake driver, with
// NORMA_TEST_DEVICE=cuda.
#pragma once

#include <norma/norma.h>

#include <cstddef>

namespace norma::test {

// Whose kernels are under test: NORMA_TEST_DEVICE, the CPU without it.
norma_device_type device_under_test();

// Makes a context of device 0 current on this thread.
void use_cuda();

// Lets kernels access memory at its own address, until unshared.
void share_with_cuda(void *begin, size_t bytes);
void unshare_with_cuda(void *begin);

// Until all launches are done.
void wait_for_cuda();

}  // namespace norma::test
