// SPDX-License-Identifier: MIT
// What compiled candidates call of Halide's runtime, beside runtime/kernel_host. Scratch is kept from call to
// call, as Norma's runtime keeps it; loops that an autoscheduler made parallel run on the calling thread, since all
// candidates are timed on one.
#include <HalideRuntime.h>

#include <cstdlib>
#include <vector>

#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/kernel_host/cuda/modules.h"

namespace {

class Pool {
public:
    // 0 where `allocate` gives it.
    template <typename Allocate>
    uint64_t take(size_t size, const Allocate &allocate) {
        for (Block &block : blocks_) {
            if (!block.used && block.size >= size) {
                block.used = true;
                return block.address;
            }
        }
        blocks_.push_back({allocate(size), size, true});
        return blocks_.back().address;
    }

    void give_back(uint64_t address) {
        for (Block &block : blocks_) {
            block.used = block.used && block.address != address;
        }
    }

private:
    struct Block {
        uint64_t address;
        size_t size;
        bool used;
    };
    std::vector<Block> blocks_;
};

Pool of_host, of_device;

}  // namespace

extern "C" {

void *halide_malloc(void *, size_t size) {
    constexpr size_t alignment = 128;
    return reinterpret_cast<void *>(of_host.take(size, [](size_t bytes) {
        return reinterpret_cast<uintptr_t>(
            std::aligned_alloc(alignment, (bytes + 2 * alignment) / alignment * alignment));
    }));
}

void halide_free(void *, void *memory) { of_host.give_back(reinterpret_cast<uintptr_t>(memory)); }

// What an autoscheduler keeps between the kernels of a call.
int halide_device_malloc(void *user_context, halide_buffer_t *buffer, const halide_device_interface_t *interface) {
    norma::CudaCall &call = norma::cuda_call(*static_cast<norma::CallContext *>(user_context));
    buffer->device = of_device.take(buffer->size_in_bytes(), [&](size_t bytes) {
        using Allocate = int (*)(uint64_t *, size_t);
        uint64_t address = 0;
        if (const int error = reinterpret_cast<Allocate>(norma::cuda_symbol("cuMemAlloc_v2"))(&address, bytes)) {
            norma::fail_call(call, "cuMemAlloc", error);
        }
        return address;
    });
    buffer->device_interface = interface;
    return call.status == NORMA_OK ? 0 : halide_error_code_device_malloc_failed;
}

int halide_device_free(void *, halide_buffer_t *buffer) {
    of_device.give_back(buffer->device);
    buffer->device = 0;
    return 0;
}

void halide_device_free_as_destructor(void *user_context, void *buffer) {
    halide_device_free(user_context, static_cast<halide_buffer_t *>(buffer));
}

int halide_do_par_for(void *user_context, int (*task)(void *, int, uint8_t *), int min, int size, uint8_t *closure) {
    int error = 0;
    for (int i = min; i < min + size && error == 0; i++) {
        error = task(user_context, i, closure);
    }
    return error;
}
}
