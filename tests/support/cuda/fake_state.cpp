// SPDX-License-Identifier: MIT
#include "fake_state.h"

#include <atomic>
#include <cstdlib>
#include <sstream>

namespace fake_cuda {
namespace {

std::atomic<unsigned long long> next_context_id{1};

}  // namespace

std::recursive_mutex mutex;
thread_local Context *current = nullptr;
thread_local int capture_mode = 0;

State::State() {
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
    state().contexts.push_back(std::make_unique<Context>(Context{device, next_context_id++}));
    return state().contexts.back().get();
}

void destroy_context(void *context) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    static_cast<Context *>(context)->destroyed = true;
    current = current == context ? nullptr : current;
}

void *retain_primary_context(int device) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    Context *&primary = state().primary[device];
    if (!primary) {
        primary = static_cast<Context *>(create_context(device));
    } else if (primary->destroyed) {
        *primary = {device, next_context_id++};
    }
    primary->retained++;
    return primary;
}

int release_primary_context(int device) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    Context *primary = state().primary[device];
    if (!primary || primary->destroyed) {
        return invalid_context;
    }
    primary->destroyed = --primary->retained == 0;
    return 0;
}

void make_current(void *context) { current = static_cast<Context *>(context); }

void *current_context() { return current; }

void *create_stream(void *context) {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    state().streams.push_back(std::make_unique<Stream>(Stream{static_cast<Context *>(context)->id}));
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
