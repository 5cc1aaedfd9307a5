// SPDX-License-Identifier: MIT
// What Halide's features ask of an x86-64 CPU. Those that a target may have: generators/codegen/targets.cpp.
#pragma once

#include <HalideRuntime.h>
#include <cpuid.h>
#include <stdint.h>

namespace norma {

// Registers that the system saves when it switches threads: bits of XCR0.
inline constexpr uint32_t saves_ymm = 0x6, saves_zmm = 0xe6;

enum class CpuidRegister { eax, ebx, ecx };

struct CpuidNeed {
    int feature;  // of halide_target_feature_t; each with all its rows
    unsigned leaf, subleaf;
    CpuidRegister where;
    uint32_t bits, saved;
};

inline constexpr CpuidNeed cpuid_needs[] = {
    {halide_target_feature_sse41, 1, 0, CpuidRegister::ecx, 1U << 19, 0},
    {halide_target_feature_avx, 1, 0, CpuidRegister::ecx, 1U << 28, saves_ymm},
    {halide_target_feature_f16c, 1, 0, CpuidRegister::ecx, 1U << 29, saves_ymm},
    {halide_target_feature_fma, 1, 0, CpuidRegister::ecx, 1U << 12, saves_ymm},
    {halide_target_feature_avx2, 7, 0, CpuidRegister::ebx, 1U << 5, saves_ymm},
    // F, CD
    {halide_target_feature_avx512, 7, 0, CpuidRegister::ebx, 1U << 16 | 1U << 28, saves_zmm},
    // F, CD, DQ, BW, VL
    {halide_target_feature_avx512_skylake, 7, 0, CpuidRegister::ebx,
     1U << 16 | 1U << 28 | 1U << 17 | 1U << 30 | 1U << 31, saves_zmm},
    // IFMA; VBMI
    {halide_target_feature_avx512_cannonlake, 7, 0, CpuidRegister::ebx, 1U << 21, saves_zmm},
    {halide_target_feature_avx512_cannonlake, 7, 0, CpuidRegister::ecx, 1U << 1, saves_zmm},
    // VBMI2, VNNI, BITALG, VPOPCNTDQ; BF16
    {halide_target_feature_avx512_zen4, 7, 0, CpuidRegister::ecx, 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14, saves_zmm},
    {halide_target_feature_avx512_zen4, 7, 1, CpuidRegister::eax, 1U << 5, saves_zmm},
    // AVX-VNNI, BF16
    {halide_target_feature_avx512_sapphirerapids, 7, 1, CpuidRegister::eax, 1U << 4 | 1U << 5, saves_zmm},
};

inline uint32_t saved_registers() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned osxsave = 1U << 27;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & osxsave) == 0) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

inline bool cpu_meets(const CpuidNeed &need) {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid_count(need.leaf, need.subleaf, &eax, &ebx, &ecx, &edx) == 0) {
        return false;
    }
    const uint32_t has = need.where == CpuidRegister::eax ? eax : need.where == CpuidRegister::ebx ? ebx : ecx;
    return (has & need.bits) == need.bits && (need.saved == 0 || (saved_registers() & need.saved) == need.saved);
}

inline bool cpu_has(int feature) {
    bool known = false;
    for (const CpuidNeed &need : cpuid_needs) {
        if (need.feature == feature) {
            known = true;
            if (!cpu_meets(need)) {
                return false;
            }
        }
    }
    return known;
}

}  // namespace norma
