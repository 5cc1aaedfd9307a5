// SPDX-License-Identifier: MIT
// The instruction table: one row an instruction, with its name, what computes it, and, from the type of that, its
// operands.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "types.h"

namespace ptx {

// Operands of one instruction in the 32 lanes of a warp: arrays of 32 values, or one word of 32 bits for predicates.
struct Lanes {
    uint32_t mask;     // the lanes that execute
    void *d;           // result
    const void *s[4];  // sources
    unsigned d_bytes;  // of a register, which a conversion may find wider than its type
    unsigned s_bytes[4];
};
using LaneFunction = void (*)(const Lanes &);

// What executes an instruction: a function of its lane alone, or one of the warp's methods.
enum class Kind : uint8_t {
    lanes,
    convert,
    pack,
    unpack,
    load,
    store,
    atomic,
    reduction,
    prefetch,
    copy,
    commit_copies,
    wait_copies,
    shuffle,
    vote,
    active_mask,
    warp_barrier,
    block_barrier,
    fence,
    to_generic,
    from_generic,
    branch,
    leave,
    trap
};

struct Row {
    std::string name;      // opcode, the modifiers that matter, type
    std::string optional;  // modifiers that change nothing here, as words
    Kind kind;
    Type result = Type::none;
    std::vector<Type> sources = {};
    LaneFunction function = nullptr;
};
using Rows = std::vector<Row>;

void add_integer_rows(Rows &rows);
void add_float_rows(Rows &rows);
void add_half_rows(Rows &rows);
void add_compare_rows(Rows &rows);
void add_convert_rows(Rows &rows);
void add_machine_rows(Rows &rows);

const Rows &table();

// The row of an instruction as it is written, or null. Words that are in neither name nor `optional` do not match.
const Row *find_row(const std::string &spelling);
bool is_opcode(const std::string &word);  // without modifiers

// --- lanes of functions
// ------------------------------------------------------------------------------------------------

template <class T>
T lane_of(const void *values, unsigned lane) {
    if constexpr (std::is_same_v<T, bool>) {
        return (*static_cast<const uint32_t *>(values) >> lane & 1) != 0;
    } else {
        return static_cast<const T *>(values)[lane];
    }
}

// A register may be wider than the type that a conversion reads from it or writes to it.
template <class T>
T low_part(const void *values, unsigned lane, unsigned bytes) {
    T value;
    __builtin_memcpy(&value, static_cast<const char *>(values) + (size_t)lane * bytes, sizeof value);
    return value;
}
template <class T>
void extend_into(void *values, unsigned lane, unsigned bytes, T value) {
    int64_t extended = 0;
    if constexpr (std::is_integral_v<T>) {
        extended = (int64_t)value;
    } else {
        __builtin_memcpy(&extended, &value, sizeof value);
    }
    __builtin_memcpy(static_cast<char *>(values) + (size_t)lane * bytes, &extended, bytes);
}

template <auto function>
struct Map;

template <class R, class... A, R (*function)(A...)>
struct Map<function> {
    using Every = std::index_sequence_for<A...>;
    static constexpr Type result = TypeOf<R>::value;
    static std::vector<Type> sources() { return {TypeOf<A>::value...}; }

    template <size_t... i>
    static R at(const Lanes &l, unsigned lane, std::index_sequence<i...>) {
        return function(lane_of<A>(l.s[i], lane)...);
    }

    static void run(const Lanes &l) {
        if constexpr (std::is_same_v<R, bool>) {
            uint32_t bits = 0;
            for (uint32_t left = l.mask; left != 0; left &= left - 1) {
                const unsigned lane = __builtin_ctz(left);
                bits |= (uint32_t)at(l, lane, Every()) << lane;
            }
            uint32_t *d = static_cast<uint32_t *>(l.d);
            *d = (*d & ~l.mask) | bits;
        } else if (l.mask == ~0u) {
            for (unsigned lane = 0; lane < 32; lane++) {
                static_cast<R *>(l.d)[lane] = at(l, lane, Every());
            }
        } else {
            for (uint32_t left = l.mask; left != 0; left &= left - 1) {
                const unsigned lane = __builtin_ctz(left);
                static_cast<R *>(l.d)[lane] = at(l, lane, Every());
            }
        }
    }

    template <size_t... i>
    static R converted(const Lanes &l, unsigned lane, std::index_sequence<i...>) {
        return function(low_part<A>(l.s[i], lane, l.s_bytes[i])...);
    }

    static void convert(const Lanes &l) {
        for (uint32_t left = l.mask; left != 0; left &= left - 1) {
            const unsigned lane = __builtin_ctz(left);
            extend_into<R>(l.d, lane, l.d_bytes, converted(l, lane, Every()));
        }
    }
};

template <auto function>
Row row(std::string name, std::string optional = "") {
    using M = Map<function>;
    return {std::move(name), std::move(optional), Kind::lanes, M::result, M::sources(), M::run};
}

template <auto function>
Row convert_row(std::string name, std::string optional = "") {
    using M = Map<function>;
    return {std::move(name), std::move(optional), Kind::convert, M::result, M::sources(), M::convert};
}

}  // namespace ptx
