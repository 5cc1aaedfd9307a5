// SPDX-License-Identifier: MIT
// What compiled candidates call of Halide's runtime. Scratch is kept from call to call, as Norma's runtime keeps it;
// loops that an autoscheduler made parallel run on the calling thread, since all candidates are timed on one.
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

struct Block {
    void *memory;
    size_t size;
    bool used;
};

std::vector<Block> blocks;

}  // namespace

extern "C" {

void *halide_malloc(void *, size_t size) {
    for (Block &block : blocks) {
        if (!block.used && block.size >= size) {
            block.used = true;
            return block.memory;
        }
    }
    constexpr size_t alignment = 128;
    blocks.push_back({std::aligned_alloc(alignment, (size + 2 * alignment) / alignment * alignment), size, true});
    return blocks.back().memory;
}

void halide_free(void *, void *memory) {
    for (Block &block : blocks) {
        block.used = block.used && block.memory != memory;
    }
}

int halide_do_par_for(void *user_context, int (*task)(void *, int, uint8_t *), int min, int size, uint8_t *closure) {
    int error = 0;
    for (int i = min; i < min + size && error == 0; i++) {
        error = task(user_context, i, closure);
    }
    return error;
}
}
