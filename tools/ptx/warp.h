// SPDX-License-Identifier: MIT
// 32 threads in step. Where they diverge, the lanes that are furthest behind in the text go first, and lanes that meet
// at an instruction go on together; a synchronising instruction waits for the lanes that it names.
#pragma once

#include <array>

#include "global_races.h"
#include "program.h"
#include "shared_memory.h"

namespace ptx {

// What all warps of one launch share.
struct Launch {
    const Program &program;
    Dim3 grid, block;
    std::vector<std::byte> parameters;
    const Memory &memory;
    Limits limits;
    GlobalRaces races;
    std::vector<Memory::Range> variables, constants;  // of the module
    uint32_t block_number = 0;
    Dim3 block_index{0, 0, 0};
};

class Warp {
public:
    Warp(Launch &launch, SharedMemory &shared, unsigned index);

    void begin_block();
    bool run();  // until all its threads have left (false) or wait at one barrier of the block (true)
    const Instruction &barrier() const { return launch.program.code[groups[0].pc]; }
    void pass_barrier();
    [[noreturn]] void fault(const Instruction &i, unsigned lane, const std::string &what) const;

private:
    // Lanes that stand at the same instruction; `waiting` at one that names others.
    struct Group {
        uint32_t pc, mask;
        bool waiting;
    };

    // An asynchronous copy that no wait has completed; its lane's groups are numbered from 0.
    struct Copy {
        const Instruction *issued;
        unsigned lane;
        uint32_t group;
        uint64_t to;
        const std::byte *from;
        std::array<std::byte, 16> source;  // what was there at the issue
    };

    void schedule();
    void step(Group &group);
    void execute(const Instruction &i, uint32_t mask);
    void branch(Group &group, const Instruction &i, uint32_t mask);
    void leave(Group &group, uint32_t mask);
    bool synchronise(Group &group, const Instruction &i, uint32_t mask);
    [[noreturn]] void stuck() const;

    void lanes(const Instruction &i, uint32_t mask);
    void pack(const Instruction &i, uint32_t mask);
    void unpack(const Instruction &i, uint32_t mask);
    void load(const Instruction &i, uint32_t mask);
    void store(const Instruction &i, uint32_t mask);
    void atomic(const Instruction &i, uint32_t mask);
    void shuffle(const Instruction &i, uint32_t mask);
    void vote(const Instruction &i, uint32_t mask);
    void convert_address(const Instruction &i, uint32_t mask);
    void copy(const Instruction &i, uint32_t mask);
    void commit_copies(uint32_t mask);
    void wait_copies(const Instruction &i, uint32_t mask);

    struct Place {
        Space space;
        uint64_t address;  // or offset in its space
    };
    Place place_of(const Address &a, unsigned lane) const;
    Place aligned_place_of(const Instruction &i, const Address &a, unsigned lane) const;
    std::byte *access(const Instruction &i, unsigned lane, GlobalRaces::Access how);
    std::byte *global(const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, GlobalRaces::Access how);
    void check_shared_bounds(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes) const;
    std::byte *shared_at(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes, GlobalRaces::Access how);
    std::byte *local(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes, bool writes);
    [[noreturn]] void out_of_bounds(const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) const;

    const std::byte *values(const Operand &o) const {
        return (o.reg < 0 ? launch.program.constants.data() : file.data()) + o.offset;
    }
    std::byte *result(const Operand &o) { return file.data() + o.offset; }
    uint64_t value(const Operand &o, unsigned lane) const;
    void set(const Operand &o, unsigned lane, uint64_t value);
    uint32_t predicate(const Operand &o) const;
    void need(const Instruction &i, const Operand &o, uint32_t mask) const;
    Dim3 thread(unsigned lane) const;

    Launch &launch;
    SharedMemory &shared;
    unsigned index;
    uint32_t exists;
    std::vector<std::byte> file;
    std::vector<uint32_t> defined;  // of each register, the lanes that hold something
    std::vector<Group> groups;
    size_t current = 0, steps = 0;
    unsigned epoch = 0;  // barriers of this warp alone
    std::vector<Copy> copies;
    std::array<uint32_t, 32> groups_committed{};  // of copies, by each lane
    std::vector<std::byte> local_bytes;
    std::vector<uint8_t> local_written;
    Memory::Range recent{0, 0};
};

}  // namespace ptx
