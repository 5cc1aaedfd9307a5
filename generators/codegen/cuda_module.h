// SPDX-License-Identifier: MIT
// The image of a CUDA kernel in the Halide module of its host code.
#pragma once

#include <Halide.h>

#include <string>

namespace norma {

// The image that the module holds: PTX as Halide wrote it. Throws std::logic_error where it does not hold one.
std::string image_of(const Halide::Module &module);

// The same module with another image.
Halide::Module with_image(const Halide::Module &module, const std::string &image);

// The most memory that a launch asks for a block to share.
int shared_bytes(const Halide::Module &module);

}  // namespace norma
