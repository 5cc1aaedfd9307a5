// SPDX-License-Identifier: MIT
// What is seen in a CUDA kernel's code, and how full it leaves a GPU: for people, no part of what is made.
#pragma once

#include <string>

#include "cuda_image.h"

namespace norma {

struct CodeFigures {
    int instructions = 0, barriers = 0, shuffles = 0;
    int wide_loads = 0, wide_stores = 0;  // of 16 bytes; an asynchronous copy is a load
};

// Instructions as they stand in the code, those of loops and of branches that are never taken once.
CodeFigures ptx_figures(const std::string &ptx);
CodeFigures sass_figures(const std::string &listing);  // of nvdisasm

// Threads that an SM holds of blocks of `threads` that share so many bytes, over the most that it holds of any. Throws
// std::invalid_argument for an SM of which it does not know the limits.
double occupancy(const CudaResources &resources, int threads, int shared_bytes);

}  // namespace norma
