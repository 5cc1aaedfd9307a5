// SPDX-License-Identifier: MIT
// What a kernel's user_context points to: one for each worker of a run.
#pragma once

#include "runtime/kernel_host/cpu/scratch.h"

namespace norma {

struct CallContext {
    Scratch scratch;    // the worker's part of the workspace
    char message[256];  // the first error that the kernel reported; "" when none
    bool may_allocate;  // scratch that the workspace has no place for
    void *device_call;  // what the device's kernels ask of their call, such as a CudaCall; null on the CPU
};

}  // namespace norma
