// SPDX-License-Identifier: MIT
// From the PTX that Halide wrote to the image that the driver loads, by the CUDA toolkit's ptxas and fatbinary.
#pragma once

#include <string>
#include <vector>

namespace norma {

// What one kernel takes of a GPU, as ptxas says it.
struct CudaResources {
    int sm = 0;  // 10 * major + minor
    int registers = 0, spill_bytes = 0, barriers = 0;
};

// What is seen in a kernel's PTX: it is the same for every GPU.
struct PtxFigures {
    int wide_loads = 0, wide_stores = 0;  // of 16 bytes
    int shuffles = 0, instructions = 0;
};

struct CudaImage {
    std::string ptx, fatbin;
    std::vector<CudaResources> resources;  // one for each SM
};

// Where the toolkit's programs are. Empty when there is none.
std::string cuda_toolkit();
std::string cuda_toolkit_version();  // of ptxas

// The text of one kernel with blocks of `threads` threads, edited: throws std::logic_error where it is not as expected.
// 0 threads: any number of kernels, with blocks of any size.
std::string finish_ptx(std::string text, int threads);

// Images for each SM, and PTX for later ones. `scratch` begins the names of files that are made and removed. Throws
// std::runtime_error where ptxas fails, spills, or needs more registers than a block of `threads` has.
CudaImage make_cuda_image(const std::string &ptx, int threads, const std::vector<int> &sms, const std::string &scratch);

CudaResources parse_ptxas(const std::string &verbose, int sm);    // throws std::runtime_error where a figure is missing
std::string excess(const CudaResources &resources, int threads);  // why it cannot be used; empty when it can
PtxFigures ptx_figures(const std::string &ptx);

}  // namespace norma
