// SPDX-License-Identifier: MIT
// A kernel decoded once: what a warp executes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ptx.h"
#include "table.h"

namespace ptx {

enum class Space : uint8_t { generic, global, shared, local, constant, param };

// 32 values (or a word of predicates) at an offset into a warp's registers, or into the kernel's constants.
struct Operand {
    uint32_t offset = 0;
    int32_t reg = -1;   // which register; -1 for a constant
    uint8_t bytes = 0;  // of one lane's value; 0 for predicates
};

struct Register {
    std::string name;
    uint32_t offset;
    uint8_t bytes;
};

// Registers that hold where a thread is, filled when its block begins.
enum class Special : uint8_t {
    tid_x,
    tid_y,
    tid_z,
    ntid_x,
    ntid_y,
    ntid_z,
    ctaid_x,
    ctaid_y,
    ctaid_z,
    nctaid_x,
    nctaid_y,
    nctaid_z,
    laneid,
    warpid,
    nwarpid,
    lanemask_eq,
    lanemask_lt,
    lanemask_le,
    lanemask_gt,
    lanemask_ge
};

struct Address {
    Space space = Space::generic;
    Operand base;
    int64_t offset = 0;
};

struct Instruction {
    Kind kind;
    bool guarded = false, guard_negated = false;
    bool read_only = false;                   // ld.global.nc
    uint8_t elements = 1, element_bytes = 0;  // of an access
    uint8_t d_count = 0, s_count = 0;
    LaneFunction function = nullptr;
    Operand guard;
    Operand d[8], s[8];       // of a store, s are the values
    Address address, source;  // of an access; of an asynchronous copy, where it writes and where it reads
    uint32_t target = 0;      // of a branch
    const Row *row = nullptr;
    int line = 0;
    std::string text;
};

// A .global or .const array of the module.
struct Variable {
    std::string name;
    Space space;
    std::shared_ptr<std::vector<std::byte>> bytes;
};

struct Program {
    Entry entry;
    std::vector<Instruction> code;
    std::vector<Register> registers;
    std::vector<std::pair<Special, uint32_t>> specials;  // and the register that holds it
    std::vector<Variable> variables;
    std::vector<std::byte> constants;
    size_t register_bytes = 0, parameter_bytes = 0, local_bytes = 0;
};

// Generic addresses of shared and local memory: far from any address of this machine.
constexpr uint64_t shared_window = uint64_t{1} << 60, local_window = uint64_t{1} << 61,
                   window_bytes = uint64_t{1} << 32;

}  // namespace ptx
