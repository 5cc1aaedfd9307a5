// SPDX-License-Identifier: MIT
// Lowered code made into object files, by LLVM and for CUDA by ptxas. This is a library of its own: with Halide, all
// that decides the bytes of an object beside the lowered code.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "cuda_image.h"

namespace norma {

struct CompiledKernel {
    std::vector<std::string> arguments;  // role names, in the order of the argv call
    int workspace_per_element = 0;       // bytes of scratch for each element of a row
    int alignment = 0;                   // of a CUDA kernel's tensors, in bytes
    int threads = 0;                     // of a CUDA kernel's block
    int shared_bytes = 0;                // by its threads
    std::vector<CudaResources> resources;
};

struct LoweredKernel {
    Halide::Module module;  // of CUDA the host code, without its image
    std::string ptx;        // of CUDA
    std::vector<int> sms;
    CompiledKernel compiled;  // all but the resources
};

// Writes `path`, and beside the object of a CUDA kernel its PTX: see ptx_path. Throws std::runtime_error with the
// kernel's name; an assertion of LLVM kills the process, so call it in a child.
CompiledKernel emit_object(const LoweredKernel &kernel, const std::string &path);

std::string ptx_path(const std::string &object_path);  // with .ptx for .o

}  // namespace norma
