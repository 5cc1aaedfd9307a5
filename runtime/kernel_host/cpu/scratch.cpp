// SPDX-License-Identifier: MIT
#include "scratch.h"

#include <stdlib.h>

#include "runtime/kernel_host/integers.h"

namespace norma {
namespace {

constexpr size_t slack = 64;
constexpr size_t worker_slack = 8192;  // slack, alignment and the rounding of sizes to vectors, of all blocks

char *align_up(char *pointer) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    return pointer + (-address & (scratch_alignment - 1));
}

// Kept right in front of a block.
struct Header {
    char *top_before;
    void *block_before;
    bool given_back;
};

Header &header(void *block) { return static_cast<Header *>(block)[-1]; }

}  // namespace

int64_t stack_size(int64_t bytes) { return bytes == 0 ? 0 : align_scratch(bytes) + static_cast<int64_t>(worker_slack); }

int64_t align_scratch(int64_t bytes) {
    const int64_t alignment = scratch_alignment;
    return divide_up(bytes, alignment) * alignment;
}

void *take_scratch(Scratch *scratch, size_t size) {
    if (!scratch->begin) {
        return nullptr;
    }
    char *block = align_up(scratch->top + slack);
    const ptrdiff_t room = scratch->end - block - static_cast<ptrdiff_t>(slack);
    if (room < 0 || static_cast<size_t>(room) < size) {
        return nullptr;
    }
    header(block) = {scratch->top, scratch->last, false};
    scratch->top = block + size + slack;
    scratch->last = block;
    return block;
}

void give_back_scratch(Scratch *scratch, void *block) {
    header(block).given_back = true;
    while (scratch->last && header(scratch->last).given_back) {
        const Header &top = header(scratch->last);
        scratch->top = top.top_before;
        scratch->last = top.block_before;
    }
}

bool is_scratch(const Scratch &scratch, const void *block) { return block >= scratch.begin && block < scratch.end; }

void *allocate_scratch(size_t size) {
    const size_t before = scratch_alignment;
    void *memory = nullptr;
    if (size > SIZE_MAX - before - slack || posix_memalign(&memory, scratch_alignment, before + size + slack) != 0) {
        return nullptr;
    }
    return static_cast<char *>(memory) + before;
}

void free_scratch(void *block) {
    if (block) {
        free(static_cast<char *>(block) - scratch_alignment);
    }
}

}  // namespace norma
