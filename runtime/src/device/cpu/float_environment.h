// SPDX-License-Identifier: MIT
// The floating-point environment in which docs/numerics.md holds: round to nearest, denormals kept, no traps. A
// caller's thread may have another, and so may a pool's, which took that of the thread that made it.
#pragma once

#include "float_control.h"

namespace norma {

// Of this thread, while it lives. The caller's is back after it, with the caller's flags.
class FloatEnvironment {
public:
    FloatEnvironment() : callers_(float_control()) {
        if (!is_standard(callers_)) {
            set_float_control(standard_float_control);
        }
    }
    ~FloatEnvironment() { put_back_float_control(callers_); }
    FloatEnvironment(const FloatEnvironment &) = delete;
    FloatEnvironment &operator=(const FloatEnvironment &) = delete;

private:
    FloatControl callers_;
};

}  // namespace norma
