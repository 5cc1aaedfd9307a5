// SPDX-License-Identifier: MIT
#include "shared_memory.h"

#include <algorithm>

#include "bytes.h"

namespace ptx {

namespace {

// 16 bits of epoch, 2 that say who, 14 of thread + 1 or warp + 1. Epochs wrap: a race may then be missed, never
// invented.
enum Who : uint32_t { one = 0, of_warp = 1u << 14, of_block = 2u << 14 };
uint32_t actor(Who who, unsigned number, unsigned epoch) { return (epoch & 0xffff) << 16 | who | (number + 1); }
Who who_of(uint32_t actor) { return (Who)(actor & 3u << 14); }
unsigned number_of(uint32_t actor) { return (actor & 0x3fff) - 1; }
unsigned warp_of(uint32_t actor) { return who_of(actor) == one ? number_of(actor) / 32 : number_of(actor); }

std::string name_of(uint32_t actor) {
    return who_of(actor) == one       ? "thread " + std::to_string(number_of(actor))
           : who_of(actor) == of_warp ? "several threads of warp " + std::to_string(number_of(actor))
                                      : "threads of several warps";
}

}  // namespace

void SharedMemory::begin_block() {
    std::fill(states.begin(), states.end(), 0);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xee});
    barrier();
}

void SharedMemory::barrier() {
    std::fill(cells.begin(), cells.begin() + (std::ptrdiff_t)touched, Cell{0, 0});
    touched = 0;
}

// Whether an earlier access is certain to come before one by this thread.
bool SharedMemory::ordered(uint32_t before, unsigned thread, unsigned epoch) {
    return before == 0 || (who_of(before) == one && number_of(before) == thread) ||
           (who_of(before) != of_block && warp_of(before) == thread / 32 && before >> 16 != (epoch & 0xffff));
}

std::string SharedMemory::check_written(size_t offset, unsigned count) const {
    const unsigned at_once = alike(&states[offset], count) ? count : 1;
    for (size_t i = offset; i < offset + count; i += at_once) {
        if (states[i] != written) {
            return "reads shared memory that " +
                   std::string(states[i] & awaits_copy ? "an asynchronous copy has still to write" : "nothing wrote") +
                   ", at byte " + std::to_string(i);
        }
    }
    return "";
}

std::string SharedMemory::read(size_t offset, unsigned count, unsigned thread, unsigned epoch) {
    touched = std::max(touched, offset + count);
    if (std::string wrong = check_written(offset, count); !wrong.empty()) {
        return wrong;
    }
    const unsigned at_once = alike(&cells[offset], count) ? count : 1;
    for (size_t i = offset; i < offset + count; i += at_once) {
        Cell &cell = cells[i];
        if (!ordered(cell.writer, thread, epoch)) {
            return "reads shared memory written by " + name_of(cell.writer) + ", with no barrier between, at byte " +
                   std::to_string(i);
        }
        if (ordered(cell.reader, thread, epoch)) {
            cell.reader = actor(one, thread, epoch);
        } else if (who_of(cell.reader) != of_block) {
            cell.reader =
                warp_of(cell.reader) == thread / 32 ? actor(of_warp, thread / 32, epoch) : actor(of_block, 0, 0);
        }
        std::fill_n(&cell, at_once, Cell(cell));
    }
    return "";
}

// Makes the thread the writer.
std::string SharedMemory::claim(size_t offset, unsigned count, unsigned thread, unsigned epoch) {
    touched = std::max(touched, offset + count);
    const unsigned at_once = alike(&cells[offset], count) && alike(&states[offset], count) ? count : 1;
    for (size_t i = offset; i < offset + count; i += at_once) {
        Cell &cell = cells[i];
        if (states[i] & awaits_copy) {
            return "writes shared memory that an asynchronous copy has still to write, at byte " + std::to_string(i);
        }
        const bool after_writer = ordered(cell.writer, thread, epoch);
        if (!after_writer || !ordered(cell.reader, thread, epoch)) {
            return "writes shared memory " + std::string(after_writer ? "read" : "written") + " by " +
                   name_of(after_writer ? cell.reader : cell.writer) + ", with no barrier between, at byte " +
                   std::to_string(i);
        }
        cell.writer = actor(one, thread, epoch);
        std::fill_n(&cell, at_once, Cell(cell));
    }
    return "";
}

std::string SharedMemory::write(size_t offset, unsigned count, unsigned thread, unsigned epoch) {
    std::string wrong = claim(offset, count, thread, epoch);
    std::fill_n(states.begin() + (std::ptrdiff_t)offset, count, written);
    return wrong;
}

std::string SharedMemory::begin_copy(size_t offset, unsigned count, unsigned thread, unsigned epoch) {
    std::string wrong = claim(offset, count, thread, epoch);
    for (size_t i = offset; i < offset + count; i++) {
        states[i] |= awaits_copy;
    }
    return wrong;
}

// Nobody touched the bytes since the beginning.
void SharedMemory::end_copy(size_t offset, unsigned count, unsigned thread, unsigned epoch) {
    touched = std::max(touched, offset + count);
    for (size_t i = offset; i < offset + count; i++) {
        cells[i].writer = actor(one, thread, epoch);
        states[i] = written;
    }
}

}  // namespace ptx
