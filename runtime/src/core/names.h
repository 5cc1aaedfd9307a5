// SPDX-License-Identifier: MIT
// The names and sizes of the values of the API's enums.
#pragma once

#include "norma/norma.h"

namespace norma {

// Null for a value that is not in the list.
const char *dtype_name(norma_dtype dtype);           // "none", "f32", ...
const char *op_name(norma_op op);                    // "layer_norm_forward", ...
const char *contract_name(norma_contract contract);  // "fp32_once", ...

const char *scale_name(norma_scale scale);  // "row", ...

bool is_quantized(norma_dtype dtype);
int group_size(norma_scale scale);  // 0 where there are no groups
bool is_backward(norma_op op);
bool is_layer_norm(norma_op op);  // else it is an rms_norm

// Bytes of an element.
int dtype_size(norma_dtype dtype);

}  // namespace norma
