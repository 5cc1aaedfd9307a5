// SPDX-License-Identifier: MIT
// From the PTX that Halide wrote to the image that the driver loads, by the CUDA toolkit's ptxas and fatbinary.
#pragma once

#include <string>
#include <vector>

namespace norma {

// What one kernel takes of a GPU, as ptxas says it.
struct CudaResources {
    int sm = 0;  // 10 * major + minor
    int registers = 0, spill_bytes = 0;
};

struct CudaImage {
    std::string ptx, fatbin;
    std::vector<CudaResources> resources;  // one for each SM
};

// Where the toolkit's programs are. Empty when there is none.
std::string cuda_toolkit();
std::string cuda_toolkit_version();  // of ptxas
std::string cuda_disassembler();     // nvdisasm beside ptxas, or in PATH

// What is multiplied and added apart in the PTX rounds twice on every GPU.
inline const std::vector<std::string> ptxas_options = {"-O3", "-fmad=false"};

// The text of one kernel with blocks of `threads` threads, edited: throws std::logic_error where it is not as expected.
// 0 threads: any number of kernels, with blocks of any size.
std::string finish_ptx(std::string text, int threads);

// Images for each SM, and PTX for later ones. `scratch` begins the name of a directory that is made and removed. Throws
// std::runtime_error where ptxas fails, spills, or needs more registers than a block of `threads` has.
CudaImage make_cuda_image(const std::string &ptx, int threads, const std::vector<int> &sms, const std::string &scratch);

CudaResources parse_ptxas(const std::string &verbose, int sm);    // throws std::runtime_error where a figure is missing
std::string excess(const CudaResources &resources, int threads);  // why it cannot be used; empty when it can

// The machine code that ptxas makes of the text for one SM, as the disassembler lists it. Empty where there is none.
std::string cuda_sass(const std::string &ptx, int sm, const std::string &scratch);

}  // namespace norma
