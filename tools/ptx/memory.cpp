// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "ptx.h"

namespace ptx {

void Memory::Free::operator()(void *p) const { std::free(p); }

void *Memory::allocate(size_t bytes) {
    const size_t rounded = (bytes + 255) / 256 * 256;
    std::unique_ptr<void, Free> memory(std::aligned_alloc(256, rounded == 0 ? 256 : rounded));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    std::memset(memory.get(), 0, bytes);
    void *first = memory.get();
    add(first, bytes);
    owned[(uint64_t)(uintptr_t)first] = std::move(memory);
    return first;
}

void Memory::add(void *first, size_t bytes) {
    const auto address = (uint64_t)(uintptr_t)first;
    ranges[address] = {address, bytes};
}

void Memory::release(void *first) {
    const auto address = (uint64_t)(uintptr_t)first;
    if (ranges.erase(address) == 0) {
        throw std::invalid_argument("no allocation begins at this address");
    }
    owned.erase(address);
}

const Memory::Range *Memory::nearest(uint64_t address) const {
    const auto after = ranges.upper_bound(address);
    return after == ranges.begin() ? nullptr : &std::prev(after)->second;
}

const Memory::Range *Memory::find(uint64_t address) const {
    const Range *range = nearest(address);
    return range != nullptr && range->holds(address, 1) ? range : nullptr;
}

}  // namespace ptx
