// SPDX-License-Identifier: MIT
// What is more than a function of one lane: memory, moves between registers of several widths, warps, barriers,
// control.
#include <algorithm>

#include "rounding.h"
#include "table.h"

namespace ptx {

namespace {

const char *const spaces = "param global shared local const shared::cta param::entry ";
const char *const semantics = "weak relaxed acquire release acq_rel volatile cta cluster gpu sys ";
const char *const cache_hints =
    "ca cg cs cv lu wb wt L1::evict_normal L1::evict_unchanged L1::evict_first L1::evict_last L1::no_allocate "
    "L2::64B L2::128B L2::256B L2::evict_first L2::evict_last L2::evict_normal ";

template <class T>
T add(T, T);
template <>
uint32_t add(uint32_t a, uint32_t b) {
    return a + b;
}
template <>
int32_t add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}
template <>
uint64_t add(uint64_t a, uint64_t b) {
    return a + b;
}
template <>
float add(float a, float b) {
    return canonical(a + b);
}
template <>
double add(double a, double b) {
    return a + b;
}
template <class T>
T minimum(T a, T b) {
    return std::min(a, b);
}
template <class T>
T maximum(T a, T b) {
    return std::max(a, b);
}
template <class T>
T bit_and(T a, T b) {
    return a & b;
}
template <class T>
T bit_or(T a, T b) {
    return a | b;
}
template <class T>
T bit_xor(T a, T b) {
    return a ^ b;
}
template <class T>
T exchange(T, T b) {
    return b;
}
template <class T>
T compare_and_swap(T a, T expected, T desired) {
    return a == expected ? desired : a;
}
uint32_t increment(uint32_t a, uint32_t last) { return a >= last ? 0 : a + 1; }
uint32_t decrement(uint32_t a, uint32_t last) { return a == 0 || a > last ? last : a - 1; }

// The function takes what memory holds and the operands; atom also returns what it held.
template <auto function>
void add_atomic(Rows &rows, const std::string &operation, bool also_red = true) {
    Row atom = row<function>("atom." + operation, std::string(spaces) + semantics);
    atom.kind = Kind::atomic;
    atom.sources.erase(atom.sources.begin());
    Row red = atom;
    red.name = "red." + operation;
    red.kind = Kind::reduction;
    rows.push_back(std::move(atom));
    if (also_red) {
        rows.push_back(std::move(red));
    }
}

template <class T>
void add_atomic_order(Rows &rows, const std::string &type) {
    add_atomic<minimum<T>>(rows, "min." + type);
    add_atomic<maximum<T>>(rows, "max." + type);
}
template <class T>
void add_atomic_bits(Rows &rows, const std::string &type) {
    add_atomic<bit_and<T>>(rows, "and." + type);
    add_atomic<bit_or<T>>(rows, "or." + type);
    add_atomic<bit_xor<T>>(rows, "xor." + type);
    add_atomic<exchange<T>>(rows, "exch." + type, false);
    add_atomic<compare_and_swap<T>>(rows, "cas." + type, false);
}

}  // namespace

void add_machine_rows(Rows &rows) {
    const std::string access = std::string(spaces) + semantics + cache_hints + "v2 v4 v8 ";
    for (const char *type :
         {"b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "u64", "s64", "f64"}) {
        rows.push_back({std::string("ld.") + type, access + "nc", Kind::load, type_named(type)});
        rows.push_back({std::string("st.") + type, access, Kind::store, type_named(type)});
    }
    for (const char *type : {"b32", "b64"}) {
        rows.push_back({std::string("mov.pack.") + type, "", Kind::pack, type_named(type)});
        rows.push_back({std::string("mov.unpack.") + type, "", Kind::unpack, type_named(type)});
    }
    for (const char *type : {"u32", "u64"}) {
        const Type t = type_named(type);
        rows.push_back(
            {std::string("cvta.") + type, "global shared local const shared::cta", Kind::to_generic, t, {t}});
        rows.push_back(
            {std::string("cvta.to.") + type, "global shared local const shared::cta", Kind::from_generic, t, {t}});
    }
    add_atomic<add<uint32_t>>(rows, "add.u32");
    add_atomic<add<int32_t>>(rows, "add.s32");
    add_atomic<add<uint64_t>>(rows, "add.u64");
    add_atomic<add<float>>(rows, "add.f32");
    add_atomic<add<double>>(rows, "add.f64");
    add_atomic_order<uint32_t>(rows, "u32");
    add_atomic_order<int32_t>(rows, "s32");
    add_atomic_order<uint64_t>(rows, "u64");
    add_atomic_order<int64_t>(rows, "s64");
    add_atomic_bits<uint32_t>(rows, "b32");
    add_atomic_bits<uint64_t>(rows, "b64");
    add_atomic<increment>(rows, "inc.u32");
    add_atomic<decrement>(rows, "dec.u32");
    for (const char *mode : {"up", "down", "bfly", "idx"}) {
        rows.push_back({std::string("shfl.sync.") + mode + ".b32",
                        "",
                        Kind::shuffle,
                        Type::b32,
                        {Type::b32, Type::b32, Type::b32, Type::b32}});
    }
    for (const char *mode : {"all", "any", "uni"}) {
        rows.push_back(
            {std::string("vote.sync.") + mode + ".pred", "", Kind::vote, Type::pred, {Type::pred, Type::b32}});
    }
    rows.push_back({"vote.sync.ballot.b32", "", Kind::vote, Type::b32, {Type::pred, Type::b32}});
    rows.push_back({"activemask.b32", "", Kind::active_mask, Type::b32});
    rows.push_back({"bar.warp.sync", "", Kind::warp_barrier, Type::none, {Type::b32}});
    rows.push_back({"bar.sync", "cta", Kind::block_barrier, Type::none, {Type::u32}});
    rows.push_back({"barrier.sync", "cta aligned", Kind::block_barrier, Type::none, {Type::u32}});
    rows.push_back({"membar", "cta gl sys", Kind::fence});
    rows.push_back({"fence", std::string(semantics) + "sc", Kind::fence});
    rows.push_back({"prefetch", "global L1 L2 L2::evict_last L2::evict_normal", Kind::prefetch});
    for (const char *level : {"ca", "cg"}) {
        rows.push_back({std::string("cp.async.") + level + ".shared.global", "L2::64B L2::128B L2::256B", Kind::copy});
    }
    rows.push_back({"cp.async.commit_group", "", Kind::commit_copies});
    rows.push_back({"cp.async.wait_group", "", Kind::wait_copies, Type::none, {Type::u32}});
    rows.push_back({"cp.async.wait_all", "", Kind::wait_copies});
    rows.push_back({"bra", "uni", Kind::branch});
    rows.push_back({"ret", "uni", Kind::leave});
    rows.push_back({"exit", "", Kind::leave});
    rows.push_back({"trap", "", Kind::trap});
}

}  // namespace ptx
