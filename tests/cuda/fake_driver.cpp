// SPDX-License-Identifier: MIT
#include "fake_driver.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>

#include "ptx/ptx.h"

namespace fake_cuda {
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
              {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
              {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}};
constexpr int invalid_value = 1, not_initialized = 3, invalid_device = 101, invalid_image = 200, invalid_context = 201,
              invalid_ptx = 218, invalid_handle = 400, not_found = 500, launch_failed = 719, capture_unsupported = 900;

struct Context {
    int device;
    unsigned long long id;
};

struct Stream {
    Context *context;
    bool capturing = false, invalid = false;
    int captured = 0;
};

struct Module {
    Context *context;
    std::optional<ptx::Module> code;  // where the image is PTX
};

struct Function {
    Module *module;
    std::string name;
    std::vector<ptx::Parameter> parameters;
    int most_shared_bytes = 48 << 10;
};

template <typename T>
using Owned = std::vector<std::unique_ptr<T>>;

// The handle, where it is one that the driver has given out.
template <typename T>
T *known(const Owned<T> &list, void *handle) {
    auto found = std::find_if(list.begin(), list.end(), [&](const auto &item) { return item.get() == handle; });
    return found == list.end() ? nullptr : found->get();
}

struct Failure {
    std::string function;
    int error, passing;
};

struct State {
    bool initialized = false, recording = true;
    std::vector<int> sms = {90};
    Owned<Context> contexts;
    Owned<Stream> streams;
    Owned<Module> modules;
    Owned<Function> functions;
    std::map<int, Context *> primary;
    std::vector<Failure> failures;
    std::vector<std::string> calls;
    std::vector<Launch> launches;
    std::vector<Image> images;
    ptx::Memory memory;
    std::string fault;

    State() {
        if (const char *list = std::getenv("FAKE_CUDA_SM")) {
            sms.clear();
            std::stringstream text(list);
            for (std::string sm; std::getline(text, sm, ',');) {
                sms.push_back(std::stoi(sm));
            }
        }
        if (const char *failing = std::getenv("FAKE_CUDA_FAIL")) {
            const std::string text(failing);
            const size_t colon = text.find(':');
            failures.push_back({text.substr(0, colon), std::stoi(text.substr(colon + 1)), 0});
        }
    }
};

std::recursive_mutex mutex;
std::atomic<unsigned long long> next_context_id{1};
thread_local Context *current = nullptr;
thread_local int capture_mode = 0;  // of this thread's calls: 0 global, 1 its own, 2 relaxed

State &state() {
    static State state;
    return state;
}

int injected(const char *function) {
    for (auto failure = state().failures.begin(); failure != state().failures.end(); ++failure) {
        if (failure->function == function && failure->passing-- == 0) {
            const int error = failure->error;
            state().failures.erase(failure);
            return error;
        }
    }
    return 0;
}

// Each function of the driver: noted, perhaps made to fail, else what `body` returns.
template <typename Body>
int entry(const char *function, Body body) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    if (!state().recording) {
        return body(state());
    }
    state().calls.push_back(function);
    if (const int error = injected(function)) {
        return error;
    }
    const bool early = std::strcmp(function, "cuInit") == 0 || std::strncmp(function, "cuGetError", 10) == 0;
    return early || state().initialized ? body(state()) : not_initialized;
}

// What allocates or waits: while a stream is captured, only a thread in relaxed mode may.
template <typename Body>
int unsafe_entry(const char *function, Body body) {
    return entry(function, [&](State &s) {
        bool forbidden = false;
        for (const auto &stream : s.streams) {
            if (stream->capturing && capture_mode != 2) {
                stream->invalid = forbidden = true;
            }
        }
        return forbidden ? capture_unsupported : !current ? invalid_context : body(s);
    });
}

bool valid_device(const State &s, int device) { return device >= 0 && device < static_cast<int>(s.sms.size()); }

void faulty(State &s, const std::string &where, const char *what) {
    s.fault = what;
    std::fprintf(stderr, "fake CUDA: %s: %s\n", where.c_str(), what);
}

int load(State &s, void **module, const void *code) {
    uint32_t magic = 0;
    std::memcpy(&magic, code, sizeof(magic));
    const char *text = static_cast<const char *>(code);
    const bool fatbin = magic == 0xBA55ED50, cubin = magic == 0x464C457F;
    const bool ptx = !fatbin && !cubin && std::strstr(text, ".version") != nullptr;
    if (!fatbin && !cubin && !ptx) {
        return invalid_image;
    }
    s.images.push_back(fatbin ? Image::fatbin : cubin ? Image::cubin : Image::ptx);
    std::unique_ptr<Module> made(new Module{current, {}});
    try {
        made->code = ptx ? std::optional(ptx::parse(text)) : std::nullopt;
    } catch (const ptx::ParseError &error) {
        return faulty(s, "an image", error.what()), invalid_ptx;
    }
    *module = made.get();
    s.modules.push_back(std::move(made));
    return 0;
}

int get_function(State &s, void **function, void *handle, const char *name) {
    Module *module = known(s.modules, handle);
    if (!module || module->context != current) {
        return invalid_handle;
    }
    std::unique_ptr<Function> made(new Function{module, name, {}});
    try {
        made->parameters = module->code ? module->code->entry(name).parameters : std::vector<ptx::Parameter>{};
    } catch (const ptx::Fault &) {
        return not_found;
    }
    *function = made.get();
    s.functions.push_back(std::move(made));
    return 0;
}

bool within(const unsigned (&extents)[3], unsigned x, unsigned y, unsigned z) {
    return extents[0] >= 1 && extents[0] <= x && extents[1] >= 1 && extents[1] <= y && extents[2] >= 1 &&
           extents[2] <= z;
}

// What a device checks before it begins; then the launch is recorded or executed.
int launch(State &s, const Function *function, Stream *stream, Launch &launch, void **arguments) {
    if (!current) {
        return invalid_context;
    }
    if (function->module->context != current || (stream && stream->context != current)) {
        return invalid_handle;
    }
    const unsigned threads = launch.block[0] * launch.block[1] * launch.block[2];
    if (!within(launch.grid, 0x7fffffff, 65535, 65535) || !within(launch.block, 1024, 1024, 64) || threads > 1024 ||
        launch.shared_bytes > static_cast<unsigned>(function->most_shared_bytes)) {
        return invalid_value;
    }
    if (stream && stream->capturing) {
        stream->captured++;
    }
    if (!s.recording) {
        return 0;
    }
    launch.kernel = function->name;
    std::vector<const void *> values;
    for (size_t i = 0; i < function->parameters.size(); i++) {
        launch.arguments.emplace_back(static_cast<const char *>(arguments[i]), function->parameters[i].bytes);
        values.push_back(arguments[i]);
    }
    s.launches.push_back(launch);
    if (!function->module->code || (stream && stream->capturing)) {
        return 0;
    }
    try {
        const auto extents = [](const unsigned(&of)[3]) { return ptx::Dim3{of[0], of[1], of[2]}; };
        ptx::run(*function->module->code, launch.kernel, extents(launch.grid), extents(launch.block),
                 launch.shared_bytes, values.data(), s.memory);
        return 0;
    } catch (const ptx::Fault &fault) {
        return faulty(s, launch.kernel, fault.what()), launch_failed;
    }
}

}  // namespace

void reset(const std::vector<int> &sms) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    const bool initialized = state().initialized;
    state() = State();
    state().sms = sms;
    state().initialized = initialized;  // Norma does so once
    current = nullptr;
}

void *create_context(int device) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().contexts.push_back(std::unique_ptr<Context>(new Context{device, next_context_id++}));
    return state().contexts.back().get();
}

void destroy_context(void *context) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    auto &list = state().contexts;
    list.erase(std::remove_if(list.begin(), list.end(), [&](const auto &item) { return item.get() == context; }),
               list.end());
    current = current == context ? nullptr : current;
}

void make_current(void *context) { current = static_cast<Context *>(context); }

void *create_stream(void *context) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().streams.push_back(std::unique_ptr<Stream>(new Stream{static_cast<Context *>(context)}));
    return state().streams.back().get();
}

void begin_capture(void *stream) { static_cast<Stream *>(stream)->capturing = true; }

int end_capture(void *stream) {
    Stream &ended = *static_cast<Stream *>(stream);
    ended.capturing = false;
    return ended.invalid ? -1 : ended.captured;
}

void fail(const std::string &function, int error, int passing) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().failures.push_back({function, error, passing});
}

void forget() {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().calls.clear();
    state().launches.clear();
    state().images.clear();
}

std::vector<std::string> calls() { return state().calls; }

std::vector<Launch> launches() { return state().launches; }

std::vector<Image> images() { return state().images; }

void set_recording(bool on) { state().recording = on; }

void expose(void *first, size_t bytes) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().memory.add(first, bytes);
}

std::string last_fault() { return state().fault; }

}  // namespace fake_cuda

using namespace fake_cuda;

extern "C" {

int cuInit(unsigned) {
    return entry("cuInit", [&](State &s) { return s.initialized = true, 0; });
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
        if (!valid_device(s, device) || (attribute != 75 && attribute != 76)) {
            return invalid_value;
        }
        const int sm = s.sms[static_cast<size_t>(device)];
        *value = attribute == 75 ? sm / 10 : sm % 10;
        return 0;
    });
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    return entry("cuDevicePrimaryCtxRetain", [&](State &s) {
        if (!valid_device(s, device)) {
            return invalid_device;
        }
        Context *&primary = s.primary[device];
        primary = primary ? primary : static_cast<Context *>(create_context(device));
        *context = primary;
        return 0;
    });
}

int cuDevicePrimaryCtxRelease_v2(int) {
    return entry("cuDevicePrimaryCtxRelease", [&](State &) { return 0; });
}

int cuCtxSetCurrent(void *context) {
    return entry("cuCtxSetCurrent", [&](State &s) {
        current = known(s.contexts, context);
        return context && !current ? invalid_context : 0;
    });
}

int cuCtxGetCurrent(void **context) {
    return entry("cuCtxGetCurrent", [&](State &) { return *context = current, 0; });
}

int cuCtxGetDevice(int *device) {
    return entry("cuCtxGetDevice", [&](State &) { return current ? (*device = current->device, 0) : invalid_context; });
}

int cuCtxGetId(void *context, unsigned long long *id) {
    return entry("cuCtxGetId", [&](State &s) {
        const Context *found = known(s.contexts, context);
        return found ? (*id = found->id, 0) : invalid_context;
    });
}

int cuCtxSynchronize() {
    return unsafe_entry("cuCtxSynchronize", [&](State &) { return 0; });
}

int cuStreamIsCapturing(void *stream, int *status) {
    return entry("cuStreamIsCapturing", [&](State &s) {
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

int cuModuleLoadDataEx(void **module, const void *code, unsigned, int *, void **) {
    return unsafe_entry("cuModuleLoadDataEx", [&](State &s) { return load(s, module, code); });
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    return entry("cuModuleGetFunction", [&](State &s) { return get_function(s, function, module, name); });
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
    return entry("cuFuncSetAttribute", [&](State &s) {
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
    return entry("cuLaunchKernel", [&](State &s) {
        Function *function = known(s.functions, handle);
        Stream *stream = known(s.streams, stream_handle);
        if (!function || (stream_handle && !stream)) {
            return invalid_handle;
        }
        Launch made = {"", {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes, stream_handle, current,
                       {}};
        return launch(s, function, stream, made, arguments);
    });
}
}
