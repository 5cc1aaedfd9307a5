// SPDX-License-Identifier: MIT
#include "memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace norma::bench {
namespace {

constexpr size_t page = 4096;

uint64_t next_random(uint64_t &state) {  // xorshift64 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Random sign and mantissa under the exponent of [0.5, 1).
template <typename Bits>
void fill(Bits *bits, int64_t count, int mantissa_bits, int exponent) {
    const uint64_t random_bits = (uint64_t{1} << mantissa_bits) - 1 + (uint64_t{1} << (8 * sizeof(Bits) - 1));
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i < count; i++) {
        bits[i] = static_cast<Bits>((next_random(state) & random_bits) | (uint64_t(exponent) << mantissa_bits));
    }
}

}  // namespace

Memory::Memory(size_t bytes) {
    const size_t rounded = (bytes + page - 1) / page * page + page;
    memory_.reset(std::aligned_alloc(page, rounded));
    if (!memory_) {
        throw std::bad_alloc();
    }
    std::memset(memory_.get(), 0, rounded);
}

void Memory::Free::operator()(void *p) const { std::free(p); }

int64_t element_size(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_NONE: return 0;
        case NORMA_F32: return 4;
        case NORMA_F16:
        case NORMA_BF16: return 2;
        default: return 1;
    }
}

Memory random_tensor(norma_dtype dtype, int64_t count) {
    Memory memory(static_cast<size_t>(count * element_size(dtype)));
    if (dtype == NORMA_F32) {
        fill(static_cast<uint32_t *>(memory.data()), count, 23, 126);
    } else if (dtype == NORMA_F16) {
        fill(static_cast<uint16_t *>(memory.data()), count, 10, 14);
    } else if (dtype == NORMA_BF16) {
        fill(static_cast<uint16_t *>(memory.data()), count, 7, 126);
    } else if (dtype == NORMA_I8) {
        fill(static_cast<uint8_t *>(memory.data()), count, 7, 0);
    }
    return memory;
}

}  // namespace norma::bench
