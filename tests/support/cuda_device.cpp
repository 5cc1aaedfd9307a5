// SPDX-License-Identifier: MIT
#include "cuda_device.h"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace norma::test {
namespace {

constexpr unsigned portable_and_mapped = 3;

template <typename... Arguments>
void call(const char *name, Arguments... arguments) {
    static void *const library = dlopen("libcuda.so.1", RTLD_NOW);
    auto *function = library ? reinterpret_cast<int (*)(Arguments...)>(dlsym(library, name)) : nullptr;
    const int error = function ? function(arguments...) : -1;
    if (error != 0) {
        throw std::runtime_error(std::string(name) + " returned " + std::to_string(error));
    }
}

void *primary_context() {
    void *context = nullptr;
    call("cuInit", 0U);
    call("cuDevicePrimaryCtxRetain", &context, 0);
    return context;
}

}  // namespace

norma_device_type device_under_test() {
    const char *name = std::getenv("NORMA_TEST_DEVICE");
    return name && std::string(name) == "cuda" ? NORMA_CUDA : NORMA_CPU;
}

void use_cuda() {
    static void *const context = primary_context();
    call("cuCtxSetCurrent", context);
}

void share_with_cuda(void *begin, size_t bytes) {
    use_cuda();
    call("cuMemHostRegister_v2", begin, bytes, portable_and_mapped);
}

void unshare_with_cuda(void *begin) { call("cuMemHostUnregister", begin); }

void wait_for_cuda() { call("cuCtxSynchronize"); }

}  // namespace norma::test
