// SPDX-License-Identifier: MIT
// Asynchronous copies from global to shared memory. Each writes at the wait that completes it, the latest that the ISA
// allows, so that whoever waits for too few groups finds no data there.
#include <algorithm>
#include <cstring>

#include "warp.h"

namespace ptx {

void Warp::copy(const Instruction &i, uint32_t mask) {
    const unsigned bytes = i.element_bytes;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        const uint64_t to = aligned_place_of(i, i.address, lane).address;
        const uint64_t from = aligned_place_of(i, i.source, lane).address;
        check_shared_bounds(i, lane, to, bytes);
        Copy c{&i, lane, groups_committed[lane], to, global(i, lane, from, bytes, GlobalRaces::Access::read), {}};
        const std::string wrong = shared.begin_copy(to, bytes, index * 32 + lane, epoch);
        if (!wrong.empty()) {
            fault(i, lane, wrong);
        }
        std::memcpy(c.source.data(), c.from, bytes);
        copies.push_back(c);
    }
}

void Warp::commit_copies(uint32_t mask) {
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        groups_committed[(unsigned)__builtin_ctz(rest)]++;
    }
}

void Warp::wait_copies(const Instruction &i, uint32_t mask) {
    const bool all = i.s_count == 0;
    if (all) {
        commit_copies(mask);
    }
    const uint64_t may_pend = all ? 0 : value(i.s[0], 0);
    const auto completes = [&](const Copy &c) {
        return (mask >> c.lane & 1) != 0 && c.group + may_pend < groups_committed[c.lane];
    };
    for (const Copy &c : copies) {
        if (!completes(c)) {
            continue;
        }
        const unsigned bytes = c.issued->element_bytes;
        // The copy may have read at any time since its issue.
        if (std::memcmp(c.source.data(), c.from, bytes) != 0) {
            fault(i, c.lane,
                  "waits for the copy of line " + std::to_string(c.issued->line) +
                      ", whose source was overwritten since");
        }
        shared.end_copy(c.to, bytes, index * 32 + c.lane, epoch);
        std::memcpy(shared.at(c.to), c.source.data(), bytes);
    }
    copies.erase(std::remove_if(copies.begin(), copies.end(), completes), copies.end());
}

}  // namespace ptx
