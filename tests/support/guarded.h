// SPDX-License-Identifier: MIT
// Memory between two pages that nobody may touch. (Sanitizers do not see what Halide's code reads and writes.)
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>

namespace norma::test {

class GuardedMemory {
public:
    explicit GuardedMemory(size_t capacity) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
        capacity_ = (capacity + page_ - 1) / page_ * page_;
        void *memory =
            mmap(nullptr, capacity_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::runtime_error("no memory for a guarded buffer");
        }
        begin_ = static_cast<char *>(memory) + page_;
        if (mprotect(begin_, capacity_, PROT_READ | PROT_WRITE) != 0) {
            throw std::runtime_error("cannot make a guarded buffer accessible");
        }
    }
    ~GuardedMemory() { munmap(begin_ - page_, capacity_ + 2 * page_); }
    GuardedMemory(const GuardedMemory &) = delete;
    GuardedMemory &operator=(const GuardedMemory &) = delete;

    // The byte before the first one is out of bounds.
    char *front(size_t bytes) const { return check(bytes), begin_; }

    // The byte after the last one is out of bounds.
    char *back(size_t bytes) const { return check(bytes), begin_ + capacity_ - bytes; }

private:
    void check(size_t bytes) const {
        if (bytes > capacity_) {
            throw std::runtime_error("a guarded buffer is too small for the test");
        }
    }

    size_t page_, capacity_;
    char *begin_;
};

}  // namespace norma::test
