// SPDX-License-Identifier: MIT
// FPCR and FPSR: the control bits and the flags of floating-point arithmetic.
#pragma once

#include <stdint.h>

namespace norma {

struct FloatControl {
    uint64_t control, flags;

    bool operator==(const FloatControl &other) const { return control == other.control && flags == other.flags; }
};

inline constexpr FloatControl standard_float_control = {0, 0};  // no traps, round to nearest, nothing flushed

inline FloatControl float_control() {
    FloatControl now = {};
    __asm__ volatile("mrs %0, fpcr" : "=r"(now.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(now.flags));
    return now;
}

inline void set_float_control(const FloatControl &to) {
    __asm__ volatile("msr fpcr, %0" : : "r"(to.control));
    __asm__ volatile("msr fpsr, %0" : : "r"(to.flags));
}

inline void put_back_float_control(const FloatControl &callers) {
    if (!(float_control() == callers)) {
        set_float_control(callers);
    }
}

// But for the flags.
inline bool is_standard(const FloatControl &control) { return control.control == standard_float_control.control; }

}  // namespace norma
