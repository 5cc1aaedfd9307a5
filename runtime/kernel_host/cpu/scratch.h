// SPDX-License-Identifier: MIT
// The kernels' scratch: a stack of blocks in the caller's workspace, one part for each worker.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace norma {

inline constexpr size_t scratch_alignment = 128;  // at least Halide's vectors, and two cache lines apart

// Rounded up to whole multiples of scratch_alignment.
int64_t align_scratch(int64_t bytes);

// In place of a kernel's workspace_per_element: nobody knows, so its scratch is allocated.
inline constexpr int32_t unknown_workspace = -1;

// Of a stack for blocks of so many bytes together; 0 for none.
int64_t stack_size(int64_t bytes);

struct Scratch {
    char *begin, *top, *end;
    void *last = nullptr;  // the block on top
};

// A block with 64 readable bytes on both sides, for vector loads that reach beyond. Null when the stack is full.
// Blocks are given back in any order; one's memory is free once all above it are, too.
void *take_scratch(Scratch *scratch, size_t size);
void give_back_scratch(Scratch *scratch, void *block);
bool is_scratch(const Scratch &scratch, const void *block);

// The same from the heap.
void *allocate_scratch(size_t size);
void free_scratch(void *block);

}  // namespace norma
