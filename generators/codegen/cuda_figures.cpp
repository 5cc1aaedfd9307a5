// SPDX-License-Identifier: MIT
#include "cuda_figures.h"

#include <algorithm>
#include <iterator>
#include <regex>
#include <stdexcept>

namespace norma {

namespace {

int count(const std::string &text, const std::string &pattern) {
    const std::regex regex(pattern);
    return (int)std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator());
}

int up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// Of the CUDA C++ programming guide, "Technical specifications per compute capability".
struct SmLimits {
    int sm, threads, blocks, shared_bytes;
};

const SmLimits sm_limits[] = {
    {80, 2048, 32, 164 << 10}, {86, 1536, 16, 100 << 10},  {89, 1536, 24, 100 << 10},
    {90, 2048, 32, 228 << 10}, {100, 2048, 32, 228 << 10}, {120, 1536, 24, 100 << 10},
};

}  // namespace

CodeFigures ptx_figures(const std::string &ptx) {
    const std::string wide = "\\.global(\\.nc|\\.L1::no_allocate)?\\.(v4\\.[bfu]32|v2\\.[bfu]64)";
    const std::string wide_copy = "cp\\.async\\.c[ag]\\.shared\\.global[^;]*\\], 16\\b";
    return {count(ptx, "\n\\s+(@!?%p\\d+ )?[a-z][a-z0-9_.:]*(\\s[^\n]*)?;"), count(ptx, "bar\\.sync"),
            count(ptx, "shfl\\.sync"), count(ptx, "ld" + wide + "|" + wide_copy), count(ptx, "st" + wide)};
}

CodeFigures sass_figures(const std::string &listing) {
    const std::string instruction = "\n\\s+/\\*[0-9a-f]{4,}\\*/\\s+(@!?U?P\\w+\\s+)?";
    const std::string wide = "(\\.\\w+)*\\.128\\b";
    return {count(listing, instruction + "(?!NOP)[A-Z]"), count(listing, instruction + "BAR\\.SYNC"),
            count(listing, instruction + "SHFL"), count(listing, instruction + "LDG(STS)?" + wide),
            count(listing, instruction + "STG" + wide)};
}

double occupancy(const CudaResources &resources, int threads, int shared_bytes) {
    const auto *limits = std::find_if(std::begin(sm_limits), std::end(sm_limits),
                                      [&](const SmLimits &l) { return l.sm == resources.sm; });
    if (limits == std::end(sm_limits)) {
        throw std::invalid_argument("sm is " + std::to_string(resources.sm) +
                                    "; expected 80, 86, 89, 90, 100 or 120, whose limits are known");
    }
    // Registers are given out to warps by 256, on each of an SM's four parts; shared memory to blocks by 128 bytes,
    // with 1024 bytes for the system.
    constexpr int lanes = 32, parts = 4, registers = 65536;
    const int warps = up(threads, lanes) / lanes;
    const int of_registers = registers / parts / up(resources.registers * lanes, 256) * parts / warps;
    const int of_shared = limits->shared_bytes / up(shared_bytes + 1024, 128);
    const int blocks = std::min({limits->blocks, limits->threads / (warps * lanes), of_registers, of_shared});
    return (double)blocks * warps * lanes / limits->threads;
}

}  // namespace norma
