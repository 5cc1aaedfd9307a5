// SPDX-License-Identifier: MIT
// NEON vectors, for the copies. The streaming store is that of a pair of registers.
#include <arm_neon.h>

namespace norma::bench {
namespace {

struct Lanes {
    using V = uint8x16x2_t;
    static constexpr int bytes = 32;

    static V load(const void *p) { return vld1q_u8_x2(static_cast<const uint8_t *>(p)); }
    template <bool streaming>
    static void store(void *p, V v) {
        if (streaming) {
            asm volatile("stnp %q0, %q1, [%2]" : : "w"(v.val[0]), "w"(v.val[1]), "r"(p) : "memory");
        } else {
            vst1q_u8_x2(static_cast<uint8_t *>(p), v);
        }
    }
    static V combine(V a, V b) { return {{veorq_u8(a.val[0], b.val[0]), veorq_u8(a.val[1], b.val[1])}}; }
    static void fence() { asm volatile("dmb ishst" : : : "memory"); }
};

}  // namespace
}  // namespace norma::bench

#include "copy_loops.h"

namespace norma::bench {

const Loops neon_loops = {"neon", false, copy_loop, nullptr, nullptr};

const Loops *const *runnable_loops() {
    static const Loops *const list[] = {&neon_loops, nullptr};
    return list;
}

}  // namespace norma::bench
