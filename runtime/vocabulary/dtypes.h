// SPDX-License-Identifier: MIT
// The element types: all that is known of each.
#pragma once

#include "norma/norma.h"
#include "words.h"

namespace norma {

// What the bits of an element are. Those of Halide's own types have its kinds.
enum class ElementKind : uint8_t { none, floating, bfloating, signed_integer, unsigned_integer, eight_bit_floating };

struct DtypeInfo {
    norma_dtype dtype;
    const char *name;
    const char *safetensors;  // in that format's headers; "": Norma does not read it
    int32_t bytes;            // of an element
    ElementKind kind;
    int32_t mantissa_bits, exponent_bias;  // of floating-point numbers, without the hidden bit
    float max_finite;                      // of a quantized y: what the largest magnitude is scaled to
    bool of_x, of_y;                       // may be the type of x, of y; floats that may be, of every tensor
};

// In the order of norma_dtype.
inline constexpr DtypeInfo dtype_infos[] = {
    {NORMA_NONE, "none", "", 0, ElementKind::none, 0, 0, 0, false, false},
    {NORMA_F32, "f32", "F32", 4, ElementKind::floating, 23, 127, 0, true, true},
    {NORMA_F16, "f16", "F16", 2, ElementKind::floating, 10, 15, 0, true, true},
    {NORMA_BF16, "bf16", "BF16", 2, ElementKind::bfloating, 7, 127, 0, true, true},
    {NORMA_I8, "i8", "I8", 1, ElementKind::signed_integer, 0, 0, 127, true, true},
    {NORMA_F8_E4M3, "f8_e4m3", "F8_E4M3", 1, ElementKind::eight_bit_floating, 3, 7, 448, false, true},
    {NORMA_F8_E5M2, "f8_e5m2", "F8_E5M2", 1, ElementKind::eight_bit_floating, 2, 15, 57344, false, true},
    {NORMA_U8, "u8", "U8", 1, ElementKind::unsigned_integer, 0, 0, 255, false, true},
    {NORMA_I32, "i32", "I32", 4, ElementKind::signed_integer, 0, 0, 0, true, false},
    {NORMA_F64, "f64", "", 8, ElementKind::floating, 52, 1023, 0, false, false},
};

inline constexpr int32_t dtype_count = sizeof dtype_infos / sizeof dtype_infos[0];

constexpr bool is_dtype(norma_dtype dtype) {
    return static_cast<int32_t>(dtype) >= 0 && static_cast<int32_t>(dtype) < dtype_count;
}

// Of a value of the list.
constexpr const DtypeInfo &info_of(norma_dtype dtype) { return dtype_infos[static_cast<int32_t>(dtype)]; }

constexpr int32_t dtype_size(norma_dtype dtype) { return info_of(dtype).bytes; }

// Null for a value that is not in the list.
constexpr const char *dtype_name(norma_dtype dtype) { return is_dtype(dtype) ? info_of(dtype).name : nullptr; }

// Of activations and parameters: not float64.
constexpr bool is_float(norma_dtype dtype) {
    const DtypeInfo &info = info_of(dtype);
    return info.of_x && (info.kind == ElementKind::floating || info.kind == ElementKind::bfloating);
}

// Whether elements are multiples of a scale.
constexpr bool is_quantized(norma_dtype dtype) {
    return is_dtype(dtype) && (info_of(dtype).of_x || info_of(dtype).of_y) && !is_float(dtype);
}

namespace dtypes_detail {

struct Table {
    Word words[dtype_count];
};

constexpr Table words_of_infos() {
    Table table = {};
    for (int32_t i = 0; i < dtype_count; i++) {
        table.words[i] = {i, dtype_infos[i].name};
    }
    return table;
}

constexpr bool in_order() {
    for (int32_t i = 0; i < dtype_count; i++) {
        if (dtype_infos[i].dtype != static_cast<norma_dtype>(i)) {
            return false;
        }
    }
    return true;
}

inline constexpr Table table = words_of_infos();
static_assert(in_order(), "dtype_infos is indexed by norma_dtype");

}  // namespace dtypes_detail

inline constexpr Words dtype_words = dtypes_detail::table.words;

// NORMA_NONE for a name that the format does not have, or that Norma does not read.
inline norma_dtype dtype_of_safetensors(const char *name) {
    for (const DtypeInfo &info : dtype_infos) {
        if (info.safetensors[0] != '\0' && strcmp(info.safetensors, name) == 0) {
            return info.dtype;
        }
    }
    return NORMA_NONE;
}

}  // namespace norma
