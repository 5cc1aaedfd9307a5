// SPDX-License-Identifier: MIT
// What the fake driver knows, and the way into each of its functions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "fake_driver.h"
#include "tools/ptx/ptx.h"

namespace fake_cuda {

// CUresult, those that the fake returns.
inline constexpr int invalid_value = 1, not_initialized = 3, invalid_device = 101, invalid_image = 200,
                     invalid_context = 201, invalid_ptx = 218, invalid_handle = 400, not_found = 500,
                     context_destroyed = 709, launch_failed = 719, capture_unsupported = 900, no_binary = 209;

// Handles of destroyed ones stay, as they may be current; a primary context lives again under its handle.
struct Context {
    int device;
    unsigned long long id;  // no other has had it
    bool destroyed = false;
    int retained = 0;  // a primary one
};

struct Stream {
    unsigned long long context;  // its id, as in modules: they end with it
    bool capturing = false, invalid = false;
    int captured = 0;
};

struct Event {
    std::chrono::steady_clock::time_point recorded;
};

struct Module {
    unsigned long long context;
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
    Owned<Event> events;
    Owned<Module> modules;
    Owned<Function> functions;
    std::map<int, Context *> primary;
    std::vector<Failure> failures;
    std::vector<std::string> calls;
    std::vector<Launch> launches;
    std::vector<Image> images;
    ptx::Memory memory;
    std::string fault;

    State();  // of a new process, as its environment says
};

State &state();

extern std::recursive_mutex mutex;
extern thread_local Context *current;
extern thread_local int capture_mode;  // of this thread's calls: 0 global, 1 its own, 2 relaxed

// The error that the function's call is to return; 0 for none.
int injected(const char *function);

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

// What works in the current context.
template <typename Body>
int context_entry(const char *function, Body body) {
    return entry(function, [&](State &s) {
        return !current ? invalid_context : current->destroyed ? context_destroyed : body(s);
    });
}

// What allocates or waits: while a stream is captured, only a thread in relaxed mode may.
template <typename Body>
int unsafe_entry(const char *function, Body body) {
    return context_entry(function, [&](State &s) {
        bool forbidden = false;
        for (const auto &stream : s.streams) {
            if (stream->capturing && capture_mode != 2) {
                stream->invalid = forbidden = true;
            }
        }
        return forbidden ? capture_unsupported : body(s);
    });
}

// The driver's functions that do more than look something up; the current context is there.
int load(State &s, void **module, const void *code);
int get_function(State &s, void **function, void *module, const char *name);

// What a device checks before it begins; then the launch is recorded or executed.
int launch(State &s, const Function &function, Stream *stream, Launch &launch, void **arguments);

}  // namespace fake_cuda
