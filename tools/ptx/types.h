// SPDX-License-Identifier: MIT
// The types of PTX, and the C++ types whose lanes hold them.
#pragma once

#include <cstdint>
#include <string>

namespace ptx {

// 16-bit and packed floating point, as bits.
struct Half {
    uint16_t bits;
};
struct Bfloat {
    uint16_t bits;
};

enum class Type : uint8_t { none, pred, b8, u8, s8, b16, u16, s16, f16, bf16, b32, u32, s32, f32, b64, u64, s64, f64 };

inline unsigned bytes_of(Type type) {
    return type <= Type::pred ? 0 : type <= Type::s8 ? 1 : type <= Type::bf16 ? 2 : type <= Type::f32 ? 4 : 8;
}
inline bool is_signed(Type type) {
    return type == Type::s8 || type == Type::s16 || type == Type::s32 || type == Type::s64;
}

// The type that a word such as "u32" names; `none` for other words. Packed types are their bits.
Type type_named(const std::string &word);

template <class T>
struct TypeOf;
template <>
struct TypeOf<bool> {
    static constexpr Type value = Type::pred;
};
template <>
struct TypeOf<uint8_t> {
    static constexpr Type value = Type::u8;
};
template <>
struct TypeOf<int8_t> {
    static constexpr Type value = Type::s8;
};
template <>
struct TypeOf<uint16_t> {
    static constexpr Type value = Type::u16;
};
template <>
struct TypeOf<int16_t> {
    static constexpr Type value = Type::s16;
};
template <>
struct TypeOf<Half> {
    static constexpr Type value = Type::f16;
};
template <>
struct TypeOf<Bfloat> {
    static constexpr Type value = Type::bf16;
};
template <>
struct TypeOf<uint32_t> {
    static constexpr Type value = Type::u32;
};
template <>
struct TypeOf<int32_t> {
    static constexpr Type value = Type::s32;
};
template <>
struct TypeOf<float> {
    static constexpr Type value = Type::f32;
};
template <>
struct TypeOf<uint64_t> {
    static constexpr Type value = Type::u64;
};
template <>
struct TypeOf<int64_t> {
    static constexpr Type value = Type::s64;
};
template <>
struct TypeOf<double> {
    static constexpr Type value = Type::f64;
};

}  // namespace ptx
