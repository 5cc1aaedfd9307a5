// SPDX-License-Identifier: MIT
// A CUDA driver without a device, as libcuda.so.1: device memory is memory, launches are checked, recorded, and
// executed where an interpreter is given. Tests that link it ask and steer it here; programs find it by LD_LIBRARY_PATH
// and are steered by FAKE_CUDA_FAIL=FUNCTION:ERROR and FAKE_CUDA_SM=90,80 (the devices).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fake_cuda {

struct Launch {
    std::string ptx;  // "" where the image has none in the clear
    std::string kernel;
    unsigned grid[3], block[3], shared_bytes;
    void *stream, *context;
    std::vector<std::string> arguments;  // their bytes; empty without PTX, which has their sizes
};

enum class Image { fatbin, cubin, ptx };

// As after the start of a process with these devices, given by their compute capabilities.
void reset(const std::vector<int> &sms = {90});

// Contexts and streams, made current and captured as an application does.
void *create_context(int device);
void destroy_context(void *context);
void make_current(void *context);  // on the calling thread
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

// Off: launches are checked but not recorded, for measurements.
void set_recording(bool on);

// Executes a launch; "" or what is wrong with it, which becomes CUDA_ERROR_LAUNCH_FAILED.
using Interpreter = std::string (*)(const Launch &launch);
void set_interpreter(Interpreter interpreter);

}  // namespace fake_cuda
