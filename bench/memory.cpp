// SPDX-License-Identifier: MIT
#include "memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/vocabulary/dtypes.h"

namespace norma::bench {
namespace {

constexpr size_t page = 4096;

uint64_t next_random(uint64_t &state) {  // xorshift64 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Random sign and mantissa under the exponent of [0.5, 1); of integers, all bits.
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

Memory random_tensor(norma_dtype dtype, int64_t count) {
    const DtypeInfo &info = info_of(dtype);
    Memory memory(static_cast<size_t>(count * info.bytes));
    const bool integer = info.mantissa_bits == 0;
    const int mantissa = integer ? 8 * info.bytes - 1 : info.mantissa_bits,
              exponent = integer ? 0 : info.exponent_bias - 1;
    switch (info.bytes) {
        case 1: fill(static_cast<uint8_t *>(memory.data()), count, mantissa, exponent); break;
        case 2: fill(static_cast<uint16_t *>(memory.data()), count, mantissa, exponent); break;
        case 4: fill(static_cast<uint32_t *>(memory.data()), count, mantissa, exponent); break;
        default: break;
    }
    return memory;
}

}  // namespace norma::bench
