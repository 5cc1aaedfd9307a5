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

inline constexpr DtypeName dtype_names[] = {
    {NORMA_NONE, "none", ""}, {NORMA_F32, "f32", "F32"}, {NORMA_F16, "f16", "F16"}, {NORMA_BF16, "bf16", "BF16"}};

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

inline const char *name_in_safetensors(norma_dtype dtype) { return dtype_names[dtype].safetensors; }
inline const char *name_of(norma_dtype dtype) { return dtype_names[dtype].name; }

}  // namespace norma::tool
