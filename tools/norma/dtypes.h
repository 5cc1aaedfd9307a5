// SPDX-License-Identifier: MIT
// Element types by the names that the command line, safetensors and people use.
#pragma once

#include <norma/norma.h>

#include <string>

namespace norma::tool {

struct DtypeName {
    norma_dtype dtype;
    const char *name;
    const char *safetensors;
};

inline constexpr DtypeName dtype_names[] = {{NORMA_NONE, "none", ""},
                                            {NORMA_F32, "f32", "F32"},
                                            {NORMA_F16, "f16", "F16"},
                                            {NORMA_BF16, "bf16", "BF16"},
                                            {NORMA_I8, "i8", "I8"},
                                            {NORMA_F8_E4M3, "f8_e4m3", "F8_E4M3"},
                                            {NORMA_F8_E5M2, "f8_e5m2", "F8_E5M2"},
                                            {NORMA_U8, "u8", "U8"},
                                            {NORMA_I32, "i32", "I32"}};

struct ScaleName {
    norma_scale scale;
    const char *name;  // on the command line
    int group;         // elements that share a scale; 0 where there are no groups
};

inline constexpr ScaleName scale_names[] = {{NORMA_SCALE_NONE, "none", 0},
                                            {NORMA_SCALE_TENSOR, "tensor", 0},
                                            {NORMA_SCALE_ROW, "row", 0},
                                            {NORMA_SCALE_GROUP_32, "group:32", 32},
                                            {NORMA_SCALE_GROUP_64, "group:64", 64},
                                            {NORMA_SCALE_GROUP_128, "group:128", 128}};

inline ScaleName parse_scale(const std::string &name) {
    for (const ScaleName &known : scale_names) {
        if (name == known.name) {
            return known;
        }
    }
    return scale_names[0];
}

inline norma_dtype parse_dtype(const std::string &name) {
    for (const DtypeName &known : dtype_names) {
        if (name == known.name) {
            return known.dtype;
        }
    }
    return NORMA_NONE;
}

inline norma_dtype dtype_of_safetensors(const std::string &name) {
    for (const DtypeName &known : dtype_names) {
        if (name == known.safetensors) {
            return known.dtype;
        }
    }
    return NORMA_NONE;
}

inline bool is_quantized(norma_dtype dtype) { return dtype >= NORMA_I8; }

inline const char *name_in_safetensors(norma_dtype dtype) { return dtype_names[dtype].safetensors; }
inline const char *name_of(norma_dtype dtype) { return dtype_names[dtype].name; }

}  // namespace norma::tool
