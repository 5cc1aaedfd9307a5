// SPDX-License-Identifier: MIT
// Who touched each byte of global memory during one launch: blocks run in any order, so two that touch the same byte
// may only both read it, or both use atomics; and what ld.global.nc reads must not be written at all.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

namespace ptx {

class GlobalRaces {
public:
    enum class Access { read, read_only, write, atomic };
    // What is wrong with an access by a block; empty when nothing is.
    std::string note(uint64_t address, unsigned bytes, uint32_t block, Access access);

private:
    static constexpr unsigned page_bytes = 4096;
    struct Page {
        uint32_t bytes[page_bytes];  // see global_races.cpp
    };
    Page &page_of(uint64_t address);
    static std::string step(uint32_t &state, uint32_t block, Access access);

    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
    uint64_t last_number = ~uint64_t{0};
    Page *last = nullptr;
};

}  // namespace ptx
