// SPDX-License-Identifier: MIT
// Memory for activations: aligned, and touched before anything is timed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "norma/norma.h"

namespace norma::bench {

class Memory {
public:
    Memory() = default;
    explicit Memory(size_t bytes);  // aligned to a page, zero. Throws std::bad_alloc

    void *data() const { return memory_.get(); }

private:
    struct Free {
        void operator()(void *p) const;
    };
    std::unique_ptr<void, Free> memory_;
};

// `count` random elements of magnitude 0.5 to 1 and either sign; of integers, of all their values.
Memory random_tensor(norma_dtype dtype, int64_t count);

}  // namespace norma::bench
