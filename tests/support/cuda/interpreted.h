// SPDX-License-Identifier: MIT
// The host code of CUDA kernels, called as the runtime does; what it asks of Halide's CUDA runtime is answered by the
// PTX interpreter.
#pragma once

#include <string>

#include "tools/ptx/ptx.h"

namespace norma::test {

struct Interpreted {
    ptx::Module module;
    ptx::Memory memory;
    std::string failure;  // of a launch
};

// Where the host code that is called next launches its kernels.
void launch_on(Interpreted *device);

using HostCode = int (*)(void **arguments);
HostCode load_host_code(const std::string &object, const std::string &symbol);

}  // namespace norma::test
