// SPDX-License-Identifier: MIT
// The driver's functions, as its library has them.
#include <chrono>
#include <cstdio>
#include <thread>

#include "fake_state.h"

using namespace fake_cuda;

namespace {

// CUresult, of which the fake returns some.
constexpr struct {
    int value;
    const char *name, *text;
} errors[] = {{0, "CUDA_SUCCESS", "no error"},
              {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
              {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
              {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
              {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
              {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
              {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
              {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
              {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
              {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
              {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
              {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
              {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
              {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
              {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
              {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}};

constexpr int l2_bytes = 1 << 16;

bool valid_device(const State &s, int device) { return device >= 0 && device < static_cast<int>(s.sms.size()); }

}  // namespace

extern "C" {

int cuInit(unsigned) {
    return entry("cuInit", [&](State &s) { return s.initialized = true, 0; });
}

int cuDriverGetVersion(int *version) {
    return entry("cuDriverGetVersion", [&](State &) { return *version = 13000, 0; });
}

int cuGetErrorName(int error, const char **name) {
    return entry("cuGetErrorName", [&](State &) {
        for (const auto &known : errors) {
            *name = known.value == error ? known.name : *name;
        }
        return *name ? 0 : invalid_value;
    });
}

int cuGetErrorString(int error, const char **text) {
    return entry("cuGetErrorString", [&](State &) {
        for (const auto &known : errors) {
            *text = known.value == error ? known.text : *text;
        }
        return *text ? 0 : invalid_value;
    });
}

int cuDeviceGetCount(int *count) {
    return entry("cuDeviceGetCount", [&](State &s) { return *count = static_cast<int>(s.sms.size()), 0; });
}

int cuDeviceGet(int *device, int ordinal) {
    return entry("cuDeviceGet",
                 [&](State &s) { return *device = ordinal, valid_device(s, ordinal) ? 0 : invalid_device; });
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    return entry("cuDeviceGetAttribute", [&](State &s) {
        if (!valid_device(s, device) || (attribute != 75 && attribute != 76 && attribute != 38)) {
            return invalid_value;
        }
        if (attribute == 38) {
            *value = l2_bytes;
            return 0;
        }
        const int sm = s.sms[static_cast<size_t>(device)];
        *value = attribute == 75 ? sm / 10 : sm % 10;
        return 0;
    });
}

int cuDeviceGetName(char *name, int size, int device) {
    return entry("cuDeviceGetName", [&](State &s) {
        std::snprintf(name, static_cast<size_t>(size), "a device that is not one");
        return valid_device(s, device) ? 0 : invalid_device;
    });
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    return entry("cuDevicePrimaryCtxRetain", [&](State &s) {
        return valid_device(s, device) ? (*context = retain_primary_context(device), 0) : invalid_device;
    });
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    return entry("cuDevicePrimaryCtxRelease", [&](State &) { return release_primary_context(device); });
}

int cuCtxSetCurrent(void *context) {
    return entry("cuCtxSetCurrent", [&](State &s) {
        Context *found = known(s.contexts, context);
        if (context && (!found || found->destroyed)) {
            return found ? context_destroyed : invalid_context;
        }
        current = found;
        return 0;
    });
}

int cuCtxGetCurrent(void **context) {
    return entry("cuCtxGetCurrent", [&](State &) { return *context = current, 0; });
}

// A destroyed context still says of which device it was.
int cuCtxGetDevice(int *device) {
    return entry("cuCtxGetDevice", [&](State &) { return current ? (*device = current->device, 0) : invalid_context; });
}

int cuCtxGetId(void *context, unsigned long long *id) {
    return entry("cuCtxGetId", [&](State &s) {
        const Context *found = known(s.contexts, context);
        if (!found || found->destroyed) {
            return found ? context_destroyed : invalid_context;
        }
        return *id = found->id, 0;
    });
}

int cuCtxSynchronize() {
    return unsafe_entry("cuCtxSynchronize", [&](State &) { return 0; });
}

int cuStreamIsCapturing(void *stream, int *status) {
    return context_entry("cuStreamIsCapturing", [&](State &s) {
        const Stream *found = known(s.streams, stream);
        *status = found && found->capturing ? 1 : 0;
        return stream && !found ? invalid_handle : 0;
    });
}

int cuThreadExchangeStreamCaptureMode(int *mode) {
    return entry("cuThreadExchangeStreamCaptureMode", [&](State &) { return std::swap(*mode, capture_mode), 0; });
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    return unsafe_entry("cuMemAlloc", [&](State &s) {
        *address = reinterpret_cast<uintptr_t>(s.memory.allocate(bytes));
        return 0;
    });
}

int cuMemFree_v2(uint64_t address) {
    return unsafe_entry("cuMemFree", [&](State &s) { return s.memory.release(reinterpret_cast<void *>(address)), 0; });
}

int cuMemHostRegister_v2(void *begin, size_t bytes, unsigned) {
    return unsafe_entry("cuMemHostRegister", [&](State &s) { return s.memory.add(begin, bytes), 0; });
}

int cuMemHostUnregister(void *begin) {
    return unsafe_entry("cuMemHostUnregister", [&](State &s) { return s.memory.release(begin), 0; });
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
    return unsafe_entry("cuMemcpyHtoD",
                        [&](State &) { return std::memcpy(reinterpret_cast<void *>(to), from, bytes), 0; });
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
    return unsafe_entry("cuMemcpyDtoH",
                        [&](State &) { return std::memcpy(to, reinterpret_cast<void *>(from), bytes), 0; });
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *) {
    return context_entry("cuMemcpyDtoDAsync", [&](State &) {
        return std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes), 0;
    });
}

int cuMemsetD8Async(uint64_t begin, unsigned char value, size_t bytes, void *) {
    return context_entry("cuMemsetD8Async",
                         [&](State &) { return std::memset(reinterpret_cast<void *>(begin), value, bytes), 0; });
}

int cuEventCreate(void **event, unsigned) {
    return context_entry("cuEventCreate", [&](State &s) {
        s.events.push_back(std::make_unique<Event>());
        *event = s.events.back().get();
        return 0;
    });
}

int cuEventDestroy_v2(void *event) {
    return entry("cuEventDestroy", [&](State &s) {
        const auto same = [&](const auto &item) { return item.get() == event; };
        const auto gone = std::remove_if(s.events.begin(), s.events.end(), same);
        const bool found = gone != s.events.end();
        s.events.erase(gone, s.events.end());
        return found ? 0 : invalid_handle;
    });
}

// The fake works when it is called, so that its time is that of the call.
int cuEventRecord(void *event, void *) {
    return context_entry("cuEventRecord", [&](State &s) {
        Event *found = known(s.events, event);
        return found ? (found->recorded = std::chrono::steady_clock::now(), 0) : invalid_handle;
    });
}

int cuEventSynchronize(void *event) {
    return unsafe_entry("cuEventSynchronize", [&](State &s) { return known(s.events, event) ? 0 : invalid_handle; });
}

int cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
    return entry("cuEventElapsedTime", [&](State &s) {
        const Event *first = known(s.events, begin), *last = known(s.events, end);
        if (!first || !last) {
            return invalid_handle;
        }
        *milliseconds = std::chrono::duration<float, std::milli>(last->recorded - first->recorded).count();
        return 0;
    });
}

int cuModuleLoadDataEx(void **module, const void *code, unsigned, int *, void **) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // long enough for other threads to meet it
    return unsafe_entry("cuModuleLoadDataEx", [&](State &s) { return load(s, module, code); });
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    return context_entry("cuModuleGetFunction", [&](State &s) { return get_function(s, function, module, name); });
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
    return context_entry("cuFuncSetAttribute", [&](State &s) {
        Function *found = known(s.functions, function);
        if (!found || attribute != 8 || value > 227 << 10) {
            return invalid_value;
        }
        found->most_shared_bytes = value;
        return 0;
    });
}

int cuLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared_bytes, void *stream_handle, void **arguments, void **) {
    return context_entry("cuLaunchKernel", [&](State &s) {
        Function *function = known(s.functions, handle);
        Stream *stream = known(s.streams, stream_handle);
        if (!function || (stream_handle && !stream)) {
            return invalid_handle;
        }
        Launch made = {"", {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes, stream_handle, current,
                       {}};
        return launch(s, *function, stream, made, arguments);
    });
}
}
