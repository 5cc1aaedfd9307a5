// SPDX-License-Identifier: MIT
// Loads, stores and atomics of a warp, and what may be wrong with them.
#include <algorithm>
#include <cstring>

#include "bytes.h"
#include "warp.h"

namespace ptx {

namespace {

using Access = GlobalRaces::Access;

std::string hexadecimal(uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    return text;
}

bool writes(Access how) { return how == Access::write || how == Access::atomic; }

}  // namespace

Warp::Place Warp::place_of(const Address &a, unsigned lane) const {
    const uint64_t at = value(a.base, lane) + (uint64_t)a.offset;
    if (a.space == Space::generic) {
        return at - shared_window < window_bytes  ? Place{Space::shared, at - shared_window}
               : at - local_window < window_bytes ? Place{Space::local, at - local_window}
                                                  : Place{Space::global, at};
    }
    return {a.space, a.base.bytes == 4 ? (uint32_t)at : at};
}

Warp::Place Warp::aligned_place_of(const Instruction &i, const Address &a, unsigned lane) const {
    const unsigned bytes = i.element_bytes * i.elements;
    const Place place = place_of(a, lane);
    if ((place.address & (bytes - 1)) != 0) {  // a power of two, whose remainder is most of the check
        fault(i, lane,
              "uses address " + hexadecimal(place.address) + ", which is not a multiple of " + std::to_string(bytes));
    }
    return place;
}

std::byte *Warp::access(const Instruction &i, unsigned lane, Access how) {
    const unsigned bytes = i.element_bytes * i.elements;
    const Place place = aligned_place_of(i, i.address, lane);
    switch (place.space) {
        case Space::shared: return shared_at(i, lane, place.address, bytes, how);
        case Space::local: return local(i, lane, place.address, bytes, writes(how));
        case Space::param:
            if (place.address + bytes > launch.parameters.size() || writes(how)) {
                fault(i, lane, "reaches beyond the parameters");
            }
            return &launch.parameters[place.address];
        default: return global(i, lane, place.address, bytes, how);
    }
}

std::byte *Warp::global(const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, Access how) {
    if (!recent.holds(address, bytes)) {
        const Memory::Range *range = launch.memory.find(address);
        for (const Memory::Range &variable : launch.variables) {
            range = variable.holds(address, bytes) ? &variable : range;
        }
        for (const Memory::Range &constant : launch.constants) {
            if (constant.holds(address, bytes) && !writes(how)) {
                return reinterpret_cast<std::byte *>((uintptr_t)address);
            }
            if (constant.holds(address, bytes)) {
                fault(i, lane, "writes constant memory");
            }
        }
        if (range == nullptr || !range->holds(address, bytes)) {
            out_of_bounds(i, lane, address, bytes);
        }
        recent = *range;
    }
    const std::string wrong = launch.races.note(address, bytes, launch.block_number, how);
    if (!wrong.empty()) {
        fault(i, lane, wrong + ", at " + hexadecimal(address));
    }
    return reinterpret_cast<std::byte *>((uintptr_t)address);
}

void Warp::out_of_bounds(const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) const {
    const Memory::Range *before = launch.memory.nearest(address);
    std::string where = ", where nothing is allocated";
    if (before != nullptr && address + bytes - (before->first + before->bytes) <= before->bytes + (1 << 20)) {
        where = ", " + std::to_string(address + bytes - before->first) +
                " bytes from the beginning of an allocation of " + std::to_string(before->bytes);
    }
    fault(i, lane, "is out of bounds: " + std::to_string(bytes) + " bytes at " + hexadecimal(address) + where);
}

void Warp::check_shared_bounds(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes) const {
    if (offset + bytes > shared.size() || offset + bytes < offset) {
        fault(i, lane,
              "is out of bounds: byte " + std::to_string(offset + bytes - 1) + " of " + std::to_string(shared.size()) +
                  " bytes of shared memory");
    }
}

std::byte *Warp::shared_at(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes, Access how) {
    check_shared_bounds(i, lane, offset, bytes);
    const unsigned number = index * 32 + lane;
    const std::string wrong = how == Access::write    ? shared.write(offset, bytes, number, epoch)
                              : how == Access::atomic ? shared.check_written(offset, bytes)
                                                      : shared.read(offset, bytes, number, epoch);
    if (!wrong.empty()) {
        fault(i, lane, wrong);
    }
    return shared.at(offset);
}

std::byte *Warp::local(const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes, bool write) {
    const size_t size = launch.program.local_bytes, first = lane * size + offset;
    if (offset + bytes > size || offset + bytes < offset) {
        fault(i, lane,
              "is out of bounds: byte " + std::to_string(offset + bytes - 1) + " of " + std::to_string(size) +
                  " bytes of local memory");
    }
    for (size_t b = first; b < first + bytes; b++) {
        if (!write && !local_written[b]) {
            fault(i, lane, "reads local memory that nothing wrote, at byte " + std::to_string(b - lane * size));
        }
        local_written[b] = 1;
    }
    return &local_bytes[first];
}

void Warp::load(const Instruction &i, uint32_t mask) {
    const Access how = i.read_only ? Access::read_only : Access::read;
    const unsigned bytes = i.element_bytes, spare = 64 - 8 * bytes;
    const bool extends_sign = is_signed(i.row->result) && spare != 0;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        const std::byte *from = access(i, lane, how);
        for (unsigned k = 0; k < i.d_count; k++) {
            const uint64_t v = loaded(from + (size_t)k * bytes, bytes);
            stored(result(i.d[k]) + (size_t)lane * i.d[k].bytes,
                   extends_sign ? (uint64_t)((int64_t)(v << spare) >> spare) : v, i.d[k].bytes);
        }
    }
}

void Warp::store(const Instruction &i, uint32_t mask) {
    const unsigned bytes = i.element_bytes;
    const auto element = [&](unsigned k, unsigned lane) {
        return loaded(values(i.s[k]) + (size_t)lane * i.s[k].bytes, i.s[k].bytes);
    };
    std::byte *places[32];
    uint64_t addresses[32], beyond = 0;  // of all before
    std::fill(addresses, addresses + 32, ~uint64_t{0});
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        const Place place = place_of(i.address, lane);
        addresses[lane] = place.address;
        // Lanes of one instruction may store one value to one address of shared memory.
        if (place.space == Space::shared && place.address < beyond) {
            const unsigned same = (unsigned)(std::find(addresses, addresses + lane, place.address) - addresses);
            if (same < lane) {
                places[lane] = places[same];
                continue;
            }
        }
        beyond = std::max(beyond, place.address + 1);
        places[lane] = access(i, lane, Access::write);
        for (unsigned k = 0; k < i.s_count; k++) {
            stored(places[lane] + (size_t)k * bytes, element(k, lane), bytes);
        }
    }
    // Which of several lanes wins is not defined.
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        for (unsigned k = 0; k < i.s_count; k++) {
            const uint64_t v = element(k, lane);
            if (std::memcmp(places[lane] + (size_t)k * bytes, &v, bytes) != 0) {
                fault(i, lane, "and another lane of the same warp store different values to the same address");
            }
        }
    }
}

void Warp::atomic(const Instruction &i, uint32_t mask) {
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        std::byte *place = access(i, lane, Access::atomic);
        alignas(8) std::byte before[32 * 8], after[32 * 8];
        std::memcpy(before + (size_t)lane * i.element_bytes, place, i.element_bytes);
        Lanes l{1u << lane, after, {before}, i.element_bytes, {}};
        for (unsigned k = 0; k < i.s_count; k++) {
            l.s[k + 1] = values(i.s[k]);
        }
        i.function(l);
        std::memcpy(place, after + (size_t)lane * i.element_bytes, i.element_bytes);
        if (i.d_count != 0) {
            set(i.d[0], lane, loaded(before + (size_t)lane * i.element_bytes, i.element_bytes));
        }
    }
}

}  // namespace ptx
