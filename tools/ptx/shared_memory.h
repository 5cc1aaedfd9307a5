// SPDX-License-Identifier: MIT
// Shared memory of one block: its bytes, which of them were written, and by whom since the last barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ptx {

class SharedMemory {
public:
    explicit SharedMemory(size_t bytes) : bytes(bytes), states(bytes), cells(bytes) {}

    size_t size() const { return bytes.size(); }
    std::byte *at(size_t offset) { return &bytes[offset]; }

    void begin_block();
    void barrier();  // of the block: orders everything before it
    // An access by a thread after `epoch` barriers of its own warp. Says what is wrong with it; empty when nothing is.
    std::string read(size_t offset, unsigned count, unsigned thread, unsigned epoch);
    std::string write(size_t offset, unsigned count, unsigned thread, unsigned epoch);
    std::string check_written(size_t offset, unsigned count) const;  // all that an atomic needs
    // An asynchronous copy may write at any time from its beginning to its end: any other access between is wrong.
    std::string begin_copy(size_t offset, unsigned count, unsigned thread, unsigned epoch);
    void end_copy(size_t offset, unsigned count, unsigned thread, unsigned epoch);

private:
    // Who wrote and who read a byte: 0 nobody; else thread + 1, or a code for several, and the warp's epoch.
    struct Cell {
        uint32_t writer, reader;
    };
    enum State : uint8_t { written = 1, awaits_copy = 2 };  // of a byte; both may hold
    std::string claim(size_t offset, unsigned count, unsigned thread, unsigned epoch);
    static bool ordered(uint32_t before, unsigned thread, unsigned epoch);

    std::vector<std::byte> bytes;
    std::vector<uint8_t> states;
    std::vector<Cell> cells;
    size_t touched = 0;  // the end of the cells in use
};

}  // namespace ptx
