// SPDX-License-Identifier: MIT
// Integer and bit instructions. Sums and products are formed in 64 unsigned bits, where they wrap.
#include <algorithm>
#include <limits>

#include "table.h"

namespace ptx {

namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;
template <class T>
constexpr unsigned width = 8 * sizeof(T);

template <class T>
T add(T a, T b) {
    return (T)((uint64_t)a + (uint64_t)b);
}
template <class T>
T sub(T a, T b) {
    return (T)((uint64_t)a - (uint64_t)b);
}
template <class T>
T mul_lo(T a, T b) {
    return (T)((uint64_t)a * (uint64_t)b);
}
template <class T>
T mul_hi(T a, T b) {
    using Double = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    return (T)(((Double)a * (Double)b) >> width<T>);
}
template <class T, class Wide>
Wide mul_wide(T a, T b) {
    return (Wide)((uint64_t)(Wide)a * (uint64_t)(Wide)b);
}
template <class T>
T mad_lo(T a, T b, T c) {
    return add(mul_lo(a, b), c);
}
template <class T>
T mad_hi(T a, T b, T c) {
    return add(mul_hi(a, b), c);
}
template <class T, class Wide>
Wide mad_wide(T a, T b, Wide c) {
    return add(mul_wide<T, Wide>(a, b), c);
}
// The quotient by zero is unspecified: all ones, and the dividend remains.
template <class T>
T div(T a, T b) {
    return b == 0 ? (T)~T(0) : std::is_signed_v<T> && b == (T)~T(0) ? sub(T(0), a) : (T)(a / b);
}
template <class T>
T rem(T a, T b) {
    return b == 0 ? a : std::is_signed_v<T> && b == (T)~T(0) ? T(0) : (T)(a % b);
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
T absolute(T a) {
    return a < 0 ? sub(T(0), a) : a;
}
template <class T>
T negate(T a) {
    return sub(T(0), a);
}
template <class T>
T sum_of_differences(T a, T b, T c) {
    return add(c, a < b ? sub(b, a) : sub(a, b));
}

template <class T>
T bit_and(T a, T b) {
    return (T)(a & b);
}
template <class T>
T bit_or(T a, T b) {
    return (T)(a | b);
}
template <class T>
T bit_xor(T a, T b) {
    return (T)(a ^ b);
}
template <class T>
T bit_not(T a) {
    return (T)~a;
}
template <>
bool bit_not(bool a) {
    return !a;
}
template <class T>
T logical_not(T a) {
    return a == 0;
}
template <class T>
T copy(T a) {
    return a;
}

// Amounts beyond the width shift everything out.
template <class T>
T shl(T a, uint32_t n) {
    return n >= width<T> ? T(0) : (T)(a << n);
}
template <class T>
T shr(T a, uint32_t n) {
    return (T)(a >> std::min(n, width<T> - 1) >> (n >= width<T> ? 1 : 0));
}
template <bool left, bool clamp>
uint32_t funnel(uint32_t low, uint32_t high, uint32_t amount) {
    const uint64_t both = (uint64_t)high << 32 | low;
    const uint32_t n = clamp ? std::min(amount, 32u) : amount & 31;
    return (uint32_t)(left ? both << n >> 32 : both >> n);
}

template <class T>
T extract(T a, uint32_t position, uint32_t length) {
    const unsigned from = position & 0xff, count = length & 0xff, last = width<T> - 1;
    const bool fill =
        std::is_signed_v<T> && count != 0 && ((Unsigned<T>)a >> std::min(from + count - 1, last) & 1) != 0;
    Unsigned<T> d = 0;
    for (unsigned i = 0; i <= last; i++) {
        const bool bit = i < count && from + i <= last ? ((Unsigned<T>)a >> (from + i) & 1) != 0 : fill;
        d |= (Unsigned<T>)bit << i;
    }
    return (T)d;
}
template <class T>
T insert(T a, T b, uint32_t position, uint32_t length) {
    const unsigned from = position & 0xff, count = length & 0xff;
    for (unsigned i = 0; i < count && from + i < width<T>; i++) {
        b = (b & ~(T(1) << (from + i))) | (T)(a >> i & 1) << (from + i);
    }
    return b;
}
// Each nibble of the selector names a byte of b:a; its top bit asks for eight copies of that byte's sign.
uint32_t permute(uint32_t a, uint32_t b, uint32_t selector) {
    const uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) {
        const unsigned nibble = selector >> 4 * i & 0xf;
        const auto byte = (uint8_t)(bytes >> 8 * (nibble & 7));
        d |= (uint32_t)(nibble & 8 ? (byte & 0x80 ? 0xff : 0) : byte) << 8 * i;
    }
    return d;
}
template <class T>
uint32_t population(T a) {
    return (uint32_t)__builtin_popcountll(a);
}
template <class T>
uint32_t leading_zeros(T a) {
    return a == 0 ? width<T> : (uint32_t)__builtin_clzll(a) - (64 - width<T>);
}
template <class T>
T reversed(T a) {
    T d = 0;
    for (unsigned i = 0; i < width<T>; i++) {
        d = (T)(d << 1) | (a >> i & 1);
    }
    return d;
}
// The most significant bit that is not a copy of the sign; all ones where there is none.
template <class T>
uint32_t find_bit(T a) {
    const Unsigned<T> bits = a < 0 ? ~(Unsigned<T>)a : (Unsigned<T>)a;
    return bits == 0 ? ~0u : width<T> - 1 - leading_zeros(bits);
}
uint32_t logic3(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t d = 0;
    for (int i = 0; i < 32; i++) {
        d |= (table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
    }
    return d;
}
template <class T>
void add_arithmetic(Rows &rows, const std::string &type) {
    rows.insert(rows.end(), {row<add<T>>("add." + type), row<sub<T>>("sub." + type), row<mul_lo<T>>("mul.lo." + type),
                             row<mul_hi<T>>("mul.hi." + type), row<mad_lo<T>>("mad.lo." + type),
                             row<mad_hi<T>>("mad.hi." + type), row<div<T>>("div." + type), row<rem<T>>("rem." + type),
                             row<minimum<T>>("min." + type), row<maximum<T>>("max." + type),
                             row<sum_of_differences<T>>("sad." + type), row<shr<T>>("shr." + type)});
    if (std::is_signed_v<T>) {
        rows.insert(rows.end(), {row<absolute<T>>("abs." + type), row<negate<T>>("neg." + type)});
    }
}

template <class T, class Wide>
void add_wide(Rows &rows, const std::string &type) {
    rows.insert(rows.end(), {row<mul_wide<T, Wide>>("mul.wide." + type), row<mad_wide<T, Wide>>("mad.wide." + type)});
}

template <class T>
void add_bits(Rows &rows, const std::string &type) {
    rows.insert(rows.end(), {row<bit_and<T>>("and." + type), row<bit_or<T>>("or." + type),
                             row<bit_xor<T>>("xor." + type), row<bit_not<T>>("not." + type)});
}

template <class T>
void add_shifts(Rows &rows, const std::string &type) {
    rows.insert(rows.end(),
                {row<shl<T>>("shl." + type), row<shr<T>>("shr." + type), row<logical_not<T>>("cnot." + type)});
}

template <class T>
void add_moves(Rows &rows, std::initializer_list<const char *> types) {
    for (const char *type : types) {
        rows.push_back(row<copy<T>>(std::string("mov.") + type));
    }
}

template <class T>
void add_counts(Rows &rows, const std::string &bits, const std::string &type) {
    using S = std::make_signed_t<T>;
    rows.insert(rows.end(), {row<population<T>>("popc.b" + bits), row<leading_zeros<T>>("clz.b" + bits),
                             row<reversed<T>>("brev.b" + bits), row<find_bit<T>>("bfind.u" + bits),
                             row<find_bit<S>>("bfind.s" + bits), row<extract<T>>("bfe.u" + bits),
                             row<extract<S>>("bfe.s" + bits), row<insert<T>>("bfi." + type)});
}

}  // namespace

void add_integer_rows(Rows &rows) {
    add_arithmetic<uint16_t>(rows, "u16");
    add_arithmetic<int16_t>(rows, "s16");
    add_arithmetic<uint32_t>(rows, "u32");
    add_arithmetic<int32_t>(rows, "s32");
    add_arithmetic<uint64_t>(rows, "u64");
    add_arithmetic<int64_t>(rows, "s64");
    add_wide<uint16_t, uint32_t>(rows, "u16");
    add_wide<int16_t, int32_t>(rows, "s16");
    add_wide<uint32_t, uint64_t>(rows, "u32");
    add_wide<int32_t, int64_t>(rows, "s32");
    add_bits<bool>(rows, "pred");
    add_bits<uint16_t>(rows, "b16");
    add_bits<uint32_t>(rows, "b32");
    add_bits<uint64_t>(rows, "b64");
    add_shifts<uint16_t>(rows, "b16");
    add_shifts<uint32_t>(rows, "b32");
    add_shifts<uint64_t>(rows, "b64");
    add_moves<bool>(rows, {"pred"});
    add_moves<uint16_t>(rows, {"b16", "u16", "s16"});
    add_moves<uint32_t>(rows, {"b32", "u32", "s32", "f32"});
    add_moves<uint64_t>(rows, {"b64", "u64", "s64", "f64"});
    add_counts<uint32_t>(rows, "32", "b32");
    add_counts<uint64_t>(rows, "64", "b64");
    rows.insert(rows.end(), {row<permute>("prmt.b32"), row<logic3>("lop3.b32"),
                             row<funnel<true, false>>("shf.l.wrap.b32"), row<funnel<true, true>>("shf.l.clamp.b32"),
                             row<funnel<false, false>>("shf.r.wrap.b32"), row<funnel<false, true>>("shf.r.clamp.b32")});
}

}  // namespace ptx
