// SPDX-License-Identifier: MIT
#include "warp.h"

#include <algorithm>
#include <cstring>

#include "bytes.h"

namespace ptx {

Warp::Warp(Launch &launch, SharedMemory &shared, unsigned index) : launch(launch), shared(shared), index(index) {
    const size_t threads = launch.block.count() - std::min<size_t>(launch.block.count(), (size_t)index * 32);
    exists = threads >= 32 ? ~0u : (1u << threads) - 1;
    file.resize(launch.program.register_bytes);
    local_bytes.resize(launch.program.local_bytes * 32);
}

Dim3 Warp::thread(unsigned lane) const {
    const unsigned number = index * 32 + lane, x = launch.block.x, y = launch.block.y;
    return {number % x, number / x % y, number / x / y};
}

void Warp::begin_block() {
    const Program &program = launch.program;
    defined.assign(program.registers.size(), 0);
    local_written.assign(local_bytes.size(), 0);
    groups = {{0, exists, false}};
    steps = 0;
    copies.clear();
    groups_committed.fill(0);
    const Dim3 block = launch.block, grid = launch.grid, at = launch.block_index;
    for (unsigned lane = 0; lane < 32; lane++) {
        const Dim3 t = thread(lane);
        const uint32_t bit = 1u << lane, lower = bit - 1;
        const uint32_t in_order[] = {
            t.x,     t.y,    t.z,         block.x,        block.y,
            block.z, at.x,   at.y,        at.z,           grid.x,
            grid.y,  grid.z, lane,        index,          (unsigned)((block.count() + 31) / 32),
            bit,     lower,  lower | bit, ~(lower | bit), ~lower};
        for (const auto &[special, reg] : program.specials) {
            defined[reg] = ~0u;
            std::memcpy(&file[program.registers[reg].offset + 4 * lane], &in_order[(size_t)special], 4);
        }
    }
}

void Warp::fault(const Instruction &i, unsigned lane, const std::string &what) const {
    const Dim3 t = thread(lane), b = launch.block_index;
    const auto point = [](Dim3 d) {
        return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
    };
    throw Fault(launch.program.entry.name + ": line " + std::to_string(i.line) + ": " + i.text + ": thread " +
                    point(t) + " of block " + point(b) + " " + what,
                launch.program.entry.name, i.line, b, t);
}

// --- which lanes go next
// -------------------------------------------------------------------------------------------------

bool Warp::run() {
    while (!groups.empty()) {
        schedule();
        Group &group = groups[current];
        if (group.waiting) {
            const Instruction &i = launch.program.code[group.pc];
            if (i.kind == Kind::block_barrier && group.mask == exists) {
                return true;
            }
            stuck();
        }
        do {
            step(groups[current]);
        } while (groups.size() == 1 && !groups[current].waiting);
    }
    return false;
}

// Joins groups at the same instruction, and chooses the first in the text that need not wait.
void Warp::schedule() {
    std::sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) { return a.pc < b.pc; });
    size_t kept = 0;
    for (size_t g = 1; g < groups.size(); g++) {
        if (groups[g].pc == groups[kept].pc) {
            groups[kept].mask |= groups[g].mask;
            groups[kept].waiting = false;
        } else {
            groups[++kept] = groups[g];
        }
    }
    groups.resize(kept + 1);
    const auto ready = std::find_if(groups.begin(), groups.end(), [](const Group &g) { return !g.waiting; });
    current = ready == groups.end() ? 0 : (size_t)(ready - groups.begin());
}

void Warp::step(Group &group) {
    const Instruction &i = launch.program.code[group.pc];
    if (++steps > launch.limits.instructions_per_warp) {
        fault(i, (unsigned)__builtin_ctz(group.mask), "does not end");
    }
    uint32_t mask = group.mask;
    if (i.guarded) {
        need(i, i.guard, mask);
        mask &= predicate(i.guard) ^ (i.guard_negated ? ~0u : 0u);
    }
    switch (i.kind) {
        case Kind::branch: branch(group, i, mask); return;
        case Kind::leave: leave(group, mask); return;
        case Kind::shuffle:
        case Kind::vote:
        case Kind::warp_barrier:
        case Kind::block_barrier:
            if (mask != 0 && !synchronise(group, i, mask)) {
                return;
            }
            break;
        default:
            if (mask != 0) {
                execute(i, mask);
            }
    }
    groups[current].pc++;
}

void Warp::branch(Group &group, const Instruction &i, uint32_t mask) {
    if (mask == group.mask) {
        group.pc = i.target;
    } else if (mask == 0) {
        group.pc++;
    } else {
        group.mask &= ~mask;
        group.pc++;
        groups.push_back({i.target, mask, false});
    }
}

void Warp::leave(Group &group, uint32_t mask) {
    group.mask &= ~mask;
    group.pc++;
    if (group.mask == 0) {
        groups.erase(groups.begin() + (std::ptrdiff_t)current);
        current = 0;
    }
}

// Whether the instruction was executed; else its lanes wait for others.
bool Warp::synchronise(Group &group, const Instruction &i, uint32_t mask) {
    if (mask != group.mask) {  // those whose guard is false go on
        const uint32_t others = group.mask & ~mask;
        group.mask = mask;
        const uint32_t next = group.pc + 1;
        groups.push_back({next, others, false});
        return false;
    }
    if (i.kind == Kind::block_barrier) {
        groups[current].waiting = true;
        return false;
    }
    const Operand &members_operand = i.s[i.s_count - 1];
    need(i, members_operand, mask);
    const unsigned first = (unsigned)__builtin_ctz(mask);
    const auto members = (uint32_t)value(members_operand, first);
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        if ((uint32_t)value(members_operand, lane) != members) {
            fault(i, lane, "names other lanes than lane " + std::to_string(first));
        }
        if ((members >> lane & 1) == 0) {
            fault(i, lane, "executes it, and is not among the lanes that it names");
        }
    }
    if ((members & exists & ~mask) != 0) {
        groups[current].waiting = true;
        return false;
    }
    execute(i, mask);
    return true;
}

void Warp::stuck() const {
    const Group &group = groups[current];
    const Instruction &i = launch.program.code[group.pc];
    const unsigned lane = (unsigned)__builtin_ctz(group.mask);
    const uint32_t missing = exists & ~group.mask;
    const unsigned other = (unsigned)__builtin_ctz(missing);
    std::string where = ", which has left the kernel";
    for (const Group &g : groups) {
        if (g.mask >> other & 1) {
            where = ", which waits at line " + std::to_string(launch.program.code[g.pc].line);
        }
    }
    fault(i, lane,
          std::string(i.kind == Kind::block_barrier ? "waits at a divergent barrier" : "waits") + " for lane " +
              std::to_string(other) + where);
}

void Warp::pass_barrier() {
    groups[0].pc++;
    groups[0].waiting = false;
}

// --- operands
// -------------------------------------------------------------------------------------------------------------

uint64_t Warp::value(const Operand &o, unsigned lane) const {
    return loaded(values(o) + (size_t)lane * o.bytes, o.bytes);
}

void Warp::set(const Operand &o, unsigned lane, uint64_t value) {
    stored(result(o) + (size_t)lane * o.bytes, value, o.bytes);
}

uint32_t Warp::predicate(const Operand &o) const {
    uint32_t bits;
    std::memcpy(&bits, values(o), sizeof bits);
    return bits;
}

void Warp::need(const Instruction &i, const Operand &o, uint32_t mask) const {
    if (o.reg >= 0 && (mask & ~defined[(size_t)o.reg]) != 0) {
        fault(i, (unsigned)__builtin_ctz(mask & ~defined[(size_t)o.reg]),
              "reads register " + launch.program.registers[(size_t)o.reg].name + ", which nothing wrote");
    }
}

// --- instructions
// -------------------------------------------------------------------------------------------------------

void Warp::execute(const Instruction &i, uint32_t mask) {
    for (unsigned k = 0; k < i.s_count; k++) {
        need(i, i.s[k], mask);
    }
    need(i, i.address.base, mask);
    need(i, i.source.base, mask);
    switch (i.kind) {
        case Kind::lanes:
        case Kind::convert: lanes(i, mask); break;
        case Kind::pack: pack(i, mask); break;
        case Kind::unpack: unpack(i, mask); break;
        case Kind::load: load(i, mask); break;
        case Kind::store: store(i, mask); break;
        case Kind::atomic:
        case Kind::reduction: atomic(i, mask); break;
        case Kind::shuffle: shuffle(i, mask); break;
        case Kind::vote:
        case Kind::active_mask: vote(i, mask); break;
        case Kind::to_generic:
        case Kind::from_generic: convert_address(i, mask); break;
        case Kind::copy: copy(i, mask); break;
        case Kind::commit_copies: commit_copies(mask); break;
        case Kind::wait_copies: wait_copies(i, mask); break;
        case Kind::warp_barrier: epoch++; break;
        case Kind::trap: fault(i, (unsigned)__builtin_ctz(mask), "traps");
        default:  // fences and prefetches: blocks run one after the other
            break;
    }
    for (unsigned k = 0; k < i.d_count; k++) {
        defined[(size_t)i.d[k].reg] |= mask;
    }
}

void Warp::lanes(const Instruction &i, uint32_t mask) {
    Lanes l{mask, result(i.d[0]), {}, i.d[0].bytes, {}};
    for (unsigned k = 0; k < i.s_count; k++) {
        l.s[k] = values(i.s[k]);
        l.s_bytes[k] = i.s[k].bytes;
    }
    i.function(l);
}

void Warp::pack(const Instruction &i, uint32_t mask) {
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        uint64_t whole = 0;
        for (unsigned k = i.s_count; k-- > 0;) {
            whole = whole << 8 * i.element_bytes | (value(i.s[k], lane) & ((uint64_t{1} << 8 * i.element_bytes) - 1));
        }
        set(i.d[0], lane, whole);
    }
}

void Warp::unpack(const Instruction &i, uint32_t mask) {
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        uint64_t whole = value(i.s[0], lane);
        for (unsigned k = 0; k < i.d_count; k++) {
            set(i.d[k], lane, whole & ((uint64_t{1} << 8 * i.element_bytes) - 1));
            whole >>= 8 * i.element_bytes;
        }
    }
}

void Warp::shuffle(const Instruction &i, uint32_t mask) {
    const std::string &name = i.row->name;
    const bool up = name == "shfl.sync.up.b32", down = name == "shfl.sync.down.b32",
               bfly = name == "shfl.sync.bfly.b32";
    uint32_t results[32], valid = 0;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        const unsigned b = value(i.s[1], lane) & 31, c = (unsigned)value(i.s[2], lane), segment = c >> 8 & 31,
                       clamp = c & 31;
        const unsigned last = (lane & segment) | (clamp & ~segment), first = lane & segment;
        const int from = up     ? (int)lane - (int)b
                         : down ? (int)(lane + b)
                         : bfly ? (int)(lane ^ b)
                                : (int)(first | (b & ~segment));
        const bool inside = up ? from >= (int)last : from <= (int)last;
        const unsigned source = inside ? (unsigned)from : lane;
        if ((mask >> source & 1) == 0) {
            fault(i, lane, "reads lane " + std::to_string(source) + ", which does not take part");
        }
        results[lane] = (uint32_t)value(i.s[0], source);
        valid |= (uint32_t)inside << lane;
    }
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        set(i.d[0], (unsigned)__builtin_ctz(rest), results[__builtin_ctz(rest)]);
    }
    if (i.d_count > 1) {
        const uint32_t bits = (predicate(i.d[1]) & ~mask) | valid;
        std::memcpy(result(i.d[1]), &bits, sizeof bits);
    }
}

void Warp::vote(const Instruction &i, uint32_t mask) {
    const std::string &name = i.row->name;
    const uint32_t votes = i.kind == Kind::vote ? predicate(i.s[0]) & mask : mask;
    if (i.d[0].bytes != 0) {  // ballot, activemask
        for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
            set(i.d[0], (unsigned)__builtin_ctz(rest), votes);
        }
        return;
    }
    const bool holds = name == "vote.sync.all.pred"   ? votes == mask
                       : name == "vote.sync.any.pred" ? votes != 0
                                                      : votes == mask || votes == 0;
    const uint32_t bits = (predicate(i.d[0]) & ~mask) | (holds ? mask : 0);
    std::memcpy(result(i.d[0]), &bits, sizeof bits);
}

void Warp::convert_address(const Instruction &i, uint32_t mask) {
    const uint64_t window = i.address.space == Space::shared  ? shared_window
                            : i.address.space == Space::local ? local_window
                                                              : 0;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        const uint64_t a = value(i.s[0], lane);
        set(i.d[0], lane, i.kind == Kind::to_generic ? a + window : a - window);
    }
}

}  // namespace ptx
