// SPDX-License-Identifier: MIT
// What custom ops need of ONNX Runtime's C interface (onnxruntime_c_api.h, version 17 of its API, from ONNX Runtime
// 1.17 on), with its names less "Ort". Its functions come in a table whose order never changes, so nothing is linked,
// and no package of headers is needed; Debian 12 and PyPI have none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace norma::ort {

constexpr uint32_t api_version = 17;

struct CustomOpDomain;
struct KernelContext;
struct KernelInfo;
struct SessionOptions;
struct ShapeInferContext;
struct Status;  // of a failure; null where there is none
struct TensorTypeAndShapeInfo;
struct Value;

enum ErrorCode : int { ORT_FAIL = 1, ORT_INVALID_ARGUMENT = 2, ORT_NOT_IMPLEMENTED = 9 };
enum ElementType : int { UNDEFINED = 0, FLOAT = 1, FLOAT16 = 10, BFLOAT16 = 16 };
enum Characteristic : int { INPUT_OUTPUT_REQUIRED = 0, INPUT_OUTPUT_OPTIONAL = 1 };

struct CustomOp;

template <int count>
using Others = void *[count];  // functions that are not used here

struct Api {
    Status *(*CreateStatus)(ErrorCode, const char *message);
    Others<25> others_1;
    Status *(*CreateCustomOpDomain)(const char *name, CustomOpDomain **);
    Status *(*CustomOpDomain_Add)(CustomOpDomain *, const CustomOp *);
    Status *(*AddCustomOpDomain)(SessionOptions *, CustomOpDomain *);
    Others<22> others_29;
    Status *(*GetTensorMutableData)(Value *, void **);
    Others<9> others_52;
    Status *(*GetDimensionsCount)(const TensorTypeAndShapeInfo *, size_t *);
    Status *(*GetDimensions)(const TensorTypeAndShapeInfo *, int64_t *, size_t count);
    Others<1> others_63;
    Status *(*GetTensorShapeElementCount)(const TensorTypeAndShapeInfo *, size_t *);
    Status *(*GetTensorTypeAndShape)(const Value *, TensorTypeAndShapeInfo **);
    Others<19> others_66;
    Status *(*KernelInfoGetAttribute_float)(const KernelInfo *, const char *name, float *);
    Status *(*KernelInfoGetAttribute_int64)(const KernelInfo *, const char *name, int64_t *);
    Others<1> others_87;
    Status *(*KernelContext_GetInputCount)(const KernelContext *, size_t *);
    Status *(*KernelContext_GetOutputCount)(const KernelContext *, size_t *);
    Status *(*KernelContext_GetInput)(const KernelContext *, size_t index, const Value **);
    Status *(*KernelContext_GetOutput)(KernelContext *, size_t index, const int64_t *shape, size_t rank, Value **);
    Others<1> others_92;
    void (*ReleaseStatus)(Status *);
    Others<5> others_94;
    void (*ReleaseTensorTypeAndShapeInfo)(TensorTypeAndShapeInfo *);
    Others<168> others_100;
    Status *(*ShapeInferContext_GetInputTypeShape)(const ShapeInferContext *, size_t index, TensorTypeAndShapeInfo **);
    Others<1> others_269;
    Status *(*ShapeInferContext_SetOutputTypeShape)(const ShapeInferContext *, size_t index,
                                                    const TensorTypeAndShapeInfo *);
    Others<3> others_271;
    Status *(*KernelContext_ParallelFor)(const KernelContext *, void (*task)(void *, size_t), size_t count,
                                         size_t batches, void *data);
};
static_assert(offsetof(Api, KernelContext_ParallelFor) == 274 * sizeof(void *), "a function has left its place");

struct ApiBase {
    const Api *(*GetApi)(uint32_t version);  // null for a version that is newer than the library
    const char *(*GetVersionString)();
};

// Members from the last ones on may be null, and so may those of variadic operands.
struct CustomOp {
    uint32_t version;
    void *(*CreateKernel)(const CustomOp *, const Api *, const KernelInfo *);
    const char *(*GetName)(const CustomOp *);
    const char *(*GetExecutionProviderType)(const CustomOp *);
    ElementType (*GetInputType)(const CustomOp *, size_t);
    size_t (*GetInputTypeCount)(const CustomOp *);
    ElementType (*GetOutputType)(const CustomOp *, size_t);
    size_t (*GetOutputTypeCount)(const CustomOp *);
    void (*KernelCompute)(void *kernel, KernelContext *);
    void (*KernelDestroy)(void *kernel);
    Characteristic (*GetInputCharacteristic)(const CustomOp *, size_t);
    Characteristic (*GetOutputCharacteristic)(const CustomOp *, size_t);
    int (*GetInputMemoryType)(const CustomOp *, size_t);
    int (*GetVariadicInputMinArity)(const CustomOp *);
    int (*GetVariadicInputHomogeneity)(const CustomOp *);
    int (*GetVariadicOutputMinArity)(const CustomOp *);
    int (*GetVariadicOutputHomogeneity)(const CustomOp *);
    Status *(*CreateKernelV2)(const CustomOp *, const Api *, const KernelInfo *, void **kernel);
    Status *(*KernelComputeV2)(void *kernel, KernelContext *);
    Status *(*InferOutputShapeFn)(const CustomOp *, ShapeInferContext *);
    int (*GetStartVersion)(const CustomOp *);
    int (*GetEndVersion)(const CustomOp *);
    size_t (*GetMayInplace)(int **inputs, int **outputs);
    void (*ReleaseMayInplace)(int *inputs, int *outputs);
    size_t (*GetAliasMap)(int **inputs, int **outputs);
    void (*ReleaseAliasMap)(int *inputs, int *outputs);
};

}  // namespace norma::ort
