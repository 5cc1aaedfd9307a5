// SPDX-License-Identifier: MIT
#include "custom_ops.h"

#include <exception>
#include <list>
#include <mutex>
#include <vector>

#include "kernel.h"
#include "ort_api.h"

namespace norma::ort {
namespace {

constexpr Operand x{Operand::activation, NORMA_TENSOR_X, &norma_arguments::x},
    skip{Operand::activation, NORMA_TENSOR_RESIDUAL, &norma_arguments::residual},
    scale{Operand::vector, NORMA_TENSOR_WEIGHT, &norma_arguments::weight},
    bias{Operand::vector, NORMA_TENSOR_BIAS, &norma_arguments::bias},
    y{Operand::activation, NORMA_TENSOR_Y, &norma_arguments::y},
    mean{Operand::statistic, NORMA_TENSOR_MEAN, &norma_arguments::mean},
    rstd{Operand::statistic, NORMA_TENSOR_RSTD, &norma_arguments::rstd},
    sum{Operand::activation, NORMA_TENSOR_RESIDUAL_OUT, &norma_arguments::residual_out};

constexpr Norm norms[] = {
    {"LayerNormalization", NORMA_LAYER_NORM_FORWARD, 1e-5f, 2, {x, scale, bias}, 3, {y, mean, rstd}, 3},
    {"RMSNormalization", NORMA_RMS_NORM_FORWARD, 1e-5f, 2, {x, scale}, 2, {y, rstd}, 2},
    {"SkipLayerNormalization", NORMA_LAYER_NORM_FORWARD, 1e-12f, 3, {x, skip, scale, bias}, 4, {y, mean, rstd, sum}, 4},
    {"SkipSimplifiedLayerNormalization",
     NORMA_RMS_NORM_FORWARD,
     1e-12f,
     3,
     {x, skip, scale},
     3,
     {y, mean, rstd, sum},
     4},
};

struct Type {
    ElementType element;
    norma_dtype dtype;
};
constexpr Type types[] = {{FLOAT, NORMA_F32}, {FLOAT16, NORMA_F16}, {BFLOAT16, NORMA_BF16}};

// One op of one type; those of other types have the same name.
struct Op : CustomOp {
    const Api &api;
    const Norm &norm;
    ElementType type;
    norma_dtype dtype;

    Op(const Api &its_api, const Norm &its_norm, const Type &its_type)
        : CustomOp{}, api(its_api), norm(its_norm), type(its_type.element), dtype(its_type.dtype) {
        version = api_version;
        GetName = [](const CustomOp *op) { return of(op).norm.name; };
        GetExecutionProviderType = [](const CustomOp *) -> const char * { return nullptr; };  // the CPU's
        GetInputTypeCount = [](const CustomOp *op) { return of(op).norm.input_count; };
        GetInputType = [](const CustomOp *op, size_t) { return of(op).type; };
        GetInputCharacteristic = [](const CustomOp *op, size_t index) {
            return index < of(op).norm.required ? INPUT_OUTPUT_REQUIRED : INPUT_OUTPUT_OPTIONAL;
        };
        GetInputMemoryType = [](const CustomOp *, size_t) { return 0; };
        GetOutputTypeCount = [](const CustomOp *op) { return of(op).norm.output_count; };
        GetOutputType = [](const CustomOp *op, size_t index) {
            return of(op).norm.outputs[index].kind == Operand::statistic ? FLOAT : of(op).type;
        };
        GetOutputCharacteristic = [](const CustomOp *, size_t index) {
            return index == 0 ? INPUT_OUTPUT_REQUIRED : INPUT_OUTPUT_OPTIONAL;
        };
        CreateKernelV2 = create;
        KernelComputeV2 = [](void *kernel, KernelContext *context) {
            return static_cast<Kernel *>(kernel)->run(context);
        };
        KernelDestroy = [](void *kernel) { delete static_cast<Kernel *>(kernel); };
        InferOutputShapeFn = infer_shape;
    }

    static const Op &of(const CustomOp *op) { return *static_cast<const Op *>(op); }

    static Status *create(const CustomOp *op, const Api *api, const KernelInfo *info, void **kernel) {
        try {
            *kernel = new Kernel(*api, of(op).norm, of(op).dtype, info);
            return nullptr;
        } catch (const std::exception &error) {
            return api->CreateStatus(ORT_FAIL, error.what());
        }
    }

    // The other outputs have none until a node runs.
    static Status *infer_shape(const CustomOp *op, ShapeInferContext *context) {
        const Api &api = of(op).api;
        TensorTypeAndShapeInfo *shape = nullptr;  // the context's
        Status *failed = api.ShapeInferContext_GetInputTypeShape(context, 0, &shape);
        return failed ? failed : api.ShapeInferContext_SetOutputTypeShape(context, 0, shape);
    }
};

// The ops, as one copy of ONNX Runtime in the process knows them. Sessions refer to them as long as they live.
struct Library {
    const Api &api;
    std::vector<Op> ops;
    CustomOpDomain *domain = nullptr;

    explicit Library(const Api &its_api) : api(its_api) {
        for (const Norm &norm : norms) {
            for (const Type &type : types) {
                ops.emplace_back(api, norm, type);
            }
        }
    }
    Status *add_to(SessionOptions *options) {
        Status *failed = domain ? nullptr : api.CreateCustomOpDomain("norma", &domain);
        for (; !failed && added < ops.size(); added++) {
            failed = api.CustomOpDomain_Add(domain, &ops[added]);
        }
        return failed ? failed : api.AddCustomOpDomain(options, domain);
    }

private:
    size_t added = 0;
};

Library &library_of(const Api &api) {
    static std::list<Library> libraries;
    for (Library &library : libraries) {
        if (&library.api == &api) {
            return library;
        }
    }
    return libraries.emplace_back(api);
}

}  // namespace
}  // namespace norma::ort

OrtStatus *RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base) {
    using namespace norma::ort;
    static std::mutex mutex;
    const auto *api = reinterpret_cast<const ApiBase *>(base)->GetApi(api_version);
    if (!api) {
        // Of version 1 there is the first function, all that an error needs.
        api = reinterpret_cast<const ApiBase *>(base)->GetApi(1);
        return reinterpret_cast<OrtStatus *>(
            api->CreateStatus(ORT_FAIL, "norma: this ONNX Runtime is too old; expected 1.17 or newer"));
    }
    const std::lock_guard<std::mutex> lock(mutex);
    return reinterpret_cast<OrtStatus *>(library_of(*api).add_to(reinterpret_cast<SessionOptions *>(options)));
}
