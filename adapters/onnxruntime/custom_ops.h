// SPDX-License-Identifier: MIT
// Norms as custom ops of ONNX Runtime, of the domain "norma", version 1. All operands of a node have the same type,
// float, float16 or bfloat16, but for mean and inv_std_dev, which are float; what is in brackets may be absent.
//   LayerNormalization(x, scale, [bias]) -> y, [mean], [inv_std_dev]   as ONNX's of opset 17
//   RMSNormalization(x, scale) -> y, [inv_std_dev]                     as ONNX's of opset 23
//   SkipLayerNormalization(x, skip, scale, [bias]) -> y, [mean], [inv_std_dev], [sum]      as com.microsoft's
//   SkipSimplifiedLayerNormalization(x, skip, scale) -> y, [], [inv_std_dev], [sum]        as com.microsoft's
// with the attributes axis (the first two) and epsilon. Results are rounded once, as docs/numerics.md says of
// fp32_once. Kernels run on the session's threads.
#pragma once

#include "norma/norma.h"

#ifdef __cplusplus
extern "C" {
#endif

struct OrtSessionOptions;
struct OrtApiBase;
struct OrtStatus;

// What ONNX Runtime calls, where SessionOptions are given the library that has it (RegisterCustomOpsLibrary_V2; in
// Python register_custom_ops_library), or a program itself. From ONNX Runtime 1.17 on. Any thread at any time.
NORMA_API struct OrtStatus *RegisterCustomOps(struct OrtSessionOptions *options, const struct OrtApiBase *base);

#ifdef __cplusplus
}
#endif
