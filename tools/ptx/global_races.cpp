// SPDX-License-Identifier: MIT
#include "global_races.h"

#include <algorithm>

#include "bytes.h"

namespace ptx {

namespace {

// A byte's state: 0 untouched; else the block that touched it, plus one, or `several`, and how.
constexpr uint32_t written = 1u << 31, read_only = 1u << 30, atomic = 1u << 29, several = (1u << 29) - 1;

}  // namespace

GlobalRaces::Page &GlobalRaces::page_of(uint64_t address) {
    const uint64_t number = address / page_bytes;
    if (number != last_number) {
        std::unique_ptr<Page> &page = pages[number];
        if (page == nullptr) {
            page = std::make_unique<Page>();
        }
        last = page.get();
        last_number = number;
    }
    return *last;
}

std::string GlobalRaces::step(uint32_t &state, uint32_t block, Access access) {
    const uint32_t who = state & several, how = state & ~several;
    const bool other = who != 0 && who != block + 1;
    const auto by = [&] { return who == several ? "several blocks" : "block " + std::to_string(who - 1); };
    switch (access) {
        case Access::read:
        case Access::read_only:
            if (how & written && access == Access::read_only) {
                return "reads through the read-only path what this kernel writes";
            }
            if ((how & written && other) || how & atomic) {
                return "reads what " + by() + (how & atomic ? " changes with atomics" : " writes");
            }
            state = other ? how | several : how | (block + 1);
            state |= access == Access::read_only ? read_only : 0;
            break;
        case Access::write:
            if (how & read_only) {
                return "writes what this kernel reads through the read-only path";
            }
            if (other || how & atomic) {
                return "writes what " + by() +
                       (how & atomic    ? " changes with atomics"
                        : how & written ? " writes"
                                        : " reads");
            }
            state = written | (block + 1);
            break;
        case Access::atomic:
            if (how & read_only) {
                return "changes what this kernel reads through the read-only path";
            }
            if (other && !(how & atomic)) {
                return "changes with atomics what " + by() + (how & written ? " writes" : " reads");
            }
            state = how & written ? state : atomic | (other ? several : block + 1);
            break;
    }
    return "";
}

std::string GlobalRaces::note(uint64_t address, unsigned bytes, uint32_t block, Access access) {
    uint32_t *state = page_of(address).bytes + address % page_bytes;  // an aligned access stays in its page
    const unsigned at_once = alike(state, bytes) ? bytes : 1;
    for (unsigned i = 0; i < bytes; i += at_once) {
        std::string wrong = step(state[i], block, access);
        if (!wrong.empty()) {
            return wrong;
        }
        std::fill_n(state + i, at_once, state[i]);
    }
    return "";
}

}  // namespace ptx
