// SPDX-License-Identifier: MIT
// A libcuda.so.1 that lacks all that a driver has.
extern "C" int cuda_is_elsewhere() { return 1; }
