// SPDX-License-Identifier: MIT
// A CUDA driver without a device, as libcuda.so.1: device memory is memory, launches are checked, recorded, and
// executed by the PTX interpreter. Tests that link it ask and steer it here; programs find it by LD_LIBRARY_PATH and
// are steered by FAKE_CUDA_FAIL=FUNCTION:ERROR and FAKE_CUDA_SM=90,80 (the devices).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fake_cuda {

struct Launch {
    std::string kernel;
    unsigned grid[3], block[3], shared_bytes;
    void *stream, *context;
    std::vector<std::string> arguments;  // their bytes; none where the image is not PTX, which has their sizes
};

enum class Image { fatbin, cubin, ptx };

// As after the start of a process with these devices, given by their compute capabilities.
void reset(const std::vector<int> &sms = {90});

// Contexts and streams, made current and captured as an application does.
void *create_context(int device);
void destroy_context(void *context);
// The last release destroys it; as a driver of CUDA 13 does, it stays current where it was.
void *retain_primary_context(int device);
int release_primary_context(int device);
void make_current(void *context);  // on the calling thread; also a destroyed one, as another thread leaves it
void *current_context();
void *create_stream(void *context);
void begin_capture(void *stream);
// The number of launches captured; -1 where a forbidden call made the capture invalid.
int end_capture(void *stream);

// The function's next call, after `passing` more, fails.
void fail(const std::string &function, int error, int passing = 0);

// Since reset or the last forget.
void forget();
std::vector<std::string> calls();
std::vector<Launch> launches();
std::vector<Image> images();

// Off: calls are neither recorded nor executed, for measurements.
void set_recording(bool on);

// Memory of the test's that kernels may access, until reset.
void expose(void *first, size_t bytes);

// What the interpreter says of the last launch that went wrong.
std::string last_fault();

}  // namespace fake_cuda
