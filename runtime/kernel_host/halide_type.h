// SPDX-License-Identifier: MIT
#pragma once

#include <HalideRuntime.h>

#include "runtime/vocabulary/dtypes.h"

namespace norma {

// As kernels' buffers have it; FP8 is bytes. Not of NORMA_NONE.
inline halide_type_t halide_type(norma_dtype dtype) {
    const DtypeInfo &info = info_of(dtype);
    const halide_type_code_t code = info.kind == ElementKind::floating         ? halide_type_float
                                    : info.kind == ElementKind::bfloating      ? halide_type_bfloat
                                    : info.kind == ElementKind::signed_integer ? halide_type_int
                                                                               : halide_type_uint;
    return halide_type_t(code, static_cast<uint8_t>(8 * info.bytes));
}

}  // namespace norma
