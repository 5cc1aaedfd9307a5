// SPDX-License-Identifier: MIT
// The forwards of torch.ops.norma as kernels of PyTorch's dispatcher, without Python in between: by LibTorch's stable C
// ABI (torch/csrc/stable/c/shim.h, torch/csrc/inductor/aoti_torch/c/shim.h, of PyTorch 2.10), whose functions are
// looked up in the libtorch of the process, so that one wheel is for every PyTorch and none is needed to build it.
#include "torch_ops.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "float32.h"
#include "huge_pages.h"
#include "last_error.h"
#include "norma/norma.h"
#include "runtime/vocabulary/variant.h"
#include "threads.h"

namespace norma::python {
namespace {

using Tensor = void *;   // AtenTensorHandle
using Value = uint64_t;  // StableIValue: a number's bits, a handle, or for an optional null or a pointer to a Value
using Kernel = void (*)(Value *stack, uint64_t arguments, uint64_t results);

constexpr uint64_t abi_version = (uint64_t{2} << 56) | (uint64_t{10} << 48);

// Functions of the stable ABI by their names there. Each returns 0, but for those of types, which return the type.
struct Torch {
    int (*aoti_torch_library_init_impl)(const char *space, const char *key, const char *file, uint32_t line, void **);
    int (*torch_library_impl)(void *library, const char *name, Kernel, uint64_t version);
    int (*aoti_torch_get_dim)(Tensor, int64_t *);
    int (*aoti_torch_get_sizes)(Tensor, int64_t **);
    int (*aoti_torch_get_strides)(Tensor, int64_t **);
    int (*aoti_torch_get_dtype)(Tensor, int32_t *);
    int (*aoti_torch_get_data_ptr)(Tensor, void **);
    int (*aoti_torch_empty_strided)(int64_t rank, const int64_t *sizes, const int64_t *strides, int32_t dtype,
                                    int32_t device_type, int32_t device, Tensor *);
    int (*aoti_torch_copy_)(Tensor to, Tensor from, int32_t non_blocking);
    int (*aoti_torch_delete_tensor_object)(Tensor);
    int (*torch_string_c_str)(void *string, const char **);
    int (*torch_delete_string)(void *string);
    int32_t (*aoti_torch_dtype_float32)();
    int32_t (*aoti_torch_dtype_float16)();
    int32_t (*aoti_torch_dtype_bfloat16)();
    int32_t (*aoti_torch_device_type_cpu)();

    bool load() {
        void *library = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
        const auto find = [library](auto &function, const char *name) {
            void *found = library ? dlsym(library, name) : nullptr;
            function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
            return found != nullptr;
        };
        return find(aoti_torch_library_init_impl, "aoti_torch_library_init_impl") &&
               find(torch_library_impl, "torch_library_impl") && find(aoti_torch_get_dim, "aoti_torch_get_dim") &&
               find(aoti_torch_get_sizes, "aoti_torch_get_sizes") &&
               find(aoti_torch_get_strides, "aoti_torch_get_strides") &&
               find(aoti_torch_get_dtype, "aoti_torch_get_dtype") &&
               find(aoti_torch_get_data_ptr, "aoti_torch_get_data_ptr") &&
               find(aoti_torch_empty_strided, "aoti_torch_empty_strided") &&
               find(aoti_torch_copy_, "aoti_torch_copy_") &&
               find(aoti_torch_delete_tensor_object, "aoti_torch_delete_tensor_object") &&
               find(torch_string_c_str, "torch_string_c_str") && find(torch_delete_string, "torch_delete_string") &&
               find(aoti_torch_dtype_float32, "aoti_torch_dtype_float32") &&
               find(aoti_torch_dtype_float16, "aoti_torch_dtype_float16") &&
               find(aoti_torch_dtype_bfloat16, "aoti_torch_dtype_bfloat16") &&
               find(aoti_torch_device_type_cpu, "aoti_torch_device_type_cpu");
    }
};
Torch torch;

void check(int error) {
    if (error) {
        throw std::runtime_error("norma: PyTorch failed");
    }
}

struct DeleteTensor {
    void operator()(Tensor tensor) const { torch.aoti_torch_delete_tensor_object(tensor); }
};
using OwnedTensor = std::unique_ptr<void, DeleteTensor>;

// What a kernel is given is its own, and so is the box of an optional.
OwnedTensor take_tensor(Value value) { return OwnedTensor(reinterpret_cast<Tensor>(value)); }

template <typename Taken>
Taken take_optional(Value value, Taken (*take)(Value)) {
    const std::unique_ptr<Value> box(reinterpret_cast<Value *>(value));
    return box ? take(*box) : Taken{};
}

std::string take_string(Value value) {
    void *string = reinterpret_cast<void *>(value);
    const char *text = nullptr;
    torch.torch_string_c_str(string, &text);
    std::string taken(text ? text : "");
    torch.torch_delete_string(string);
    return taken;
}

double number(Value value) {
    double number = 0;
    memcpy(&number, &value, sizeof number);
    return number;
}

norma_dtype dtype_of(int32_t dtype, const char *name) {
    static const int32_t f32 = torch.aoti_torch_dtype_float32(), f16 = torch.aoti_torch_dtype_float16(),
                         bf16 = torch.aoti_torch_dtype_bfloat16();
    const norma_dtype known = dtype == f32    ? NORMA_F32
                              : dtype == f16  ? NORMA_F16
                              : dtype == bf16 ? NORMA_BF16
                                              : NORMA_NONE;
    if (known == NORMA_NONE) {
        throw std::runtime_error(std::string(name) +
                                 " is not of a type that Norma has; expected float32, float16 or bfloat16");
    }
    return known;
}

struct Shape {
    int64_t rank = 0, *sizes = nullptr, *strides = nullptr;
    int32_t dtype = 0;

    explicit Shape(Tensor tensor) {
        check(torch.aoti_torch_get_dim(tensor, &rank));
        check(torch.aoti_torch_get_sizes(tensor, &sizes));
        check(torch.aoti_torch_get_strides(tensor, &strides));
        check(torch.aoti_torch_get_dtype(tensor, &dtype));
    }
    bool is_contiguous() const {
        int64_t stride = 1;
        for (int64_t d = rank - 1; d >= 0; d--) {
            if (sizes[d] != 1 && strides[d] != stride) {
                return false;
            }
            stride *= sizes[d];
        }
        return true;
    }
};

OwnedTensor new_like(const Shape &shape) {
    constexpr int64_t most = 64;
    int64_t strides[most], stride = 1;
    if (shape.rank > most) {
        throw std::runtime_error("x has too many dimensions");
    }
    for (int64_t d = shape.rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= std::max<int64_t>(shape.sizes[d], 1);
    }
    static const int32_t cpu = torch.aoti_torch_device_type_cpu();
    Tensor made = nullptr;
    check(torch.aoti_torch_empty_strided(shape.rank, shape.sizes, strides, shape.dtype, cpu, 0, &made));
    OwnedTensor owned(made);
    void *data = nullptr;
    check(torch.aoti_torch_get_data_ptr(made, &data));
    ask_for_huge_pages(data, static_cast<size_t>(stride) * dtype_size(dtype_of(shape.dtype, "x")));
    return owned;
}

// As Norma takes it; a copy takes the tensor's place where the last dimension is not contiguous.
norma_tensor view(OwnedTensor &tensor, const char *name) {
    Shape shape(tensor.get());
    if (shape.rank < 1) {
        throw std::runtime_error(std::string(name) + " has 0 dimensions; expected 1 or more");
    }
    const bool contiguous = shape.is_contiguous();
    if (!contiguous && (shape.rank > NORMA_MAX_RANK || shape.strides[shape.rank - 1] != 1)) {
        OwnedTensor copy = new_like(shape);
        check(torch.aoti_torch_copy_(copy.get(), tensor.get(), 0));
        tensor = std::move(copy);
        return view(tensor, name);
    }
    norma_tensor view = {};
    check(torch.aoti_torch_get_data_ptr(tensor.get(), &view.data));
    view.dtype = dtype_of(shape.dtype, name);
    view.device.type = NORMA_CPU;
    view.rank = static_cast<int32_t>(std::min<int64_t>(shape.rank, NORMA_MAX_RANK));
    for (int32_t d = 0; d < view.rank; d++) {  // of more dimensions, the first ones are one
        view.shape[view.rank - 1 - d] = shape.sizes[shape.rank - 1 - d];
        view.strides[view.rank - 1 - d] = shape.strides[shape.rank - 1 - d];
    }
    for (int64_t d = 0; d < shape.rank - view.rank; d++) {
        view.shape[0] *= shape.sizes[d];
    }
    return view;
}

// N(x, weight?, bias?, eps, weight_offset, contract?) -> y, and with_residual:
// add_N(x, residual, weight?, bias?, eps, weight_offset, contract?) -> (y, residual_out)
template <norma_op op, bool with_residual>
void run(Value *stack, uint64_t, uint64_t) {
    Value *next = stack;
    OwnedTensor x = take_tensor(*next++), residual;
    if (with_residual) {
        residual = take_tensor(*next++);
    }
    OwnedTensor weight = take_optional(*next++, take_tensor), bias = take_optional(*next++, take_tensor);
    const double eps = number(*next++), weight_offset = number(*next++);
    const std::string contract = take_optional(*next++, take_string);

    norma_plan_desc desc = {};
    norma_arguments arguments = {};
    norma_execution execution = {};
    desc.size = sizeof desc;
    arguments.size = sizeof arguments;
    execution.size = sizeof execution;
    desc.op = op;
    if (!contract.empty()) {
        const Word *known = contract_words.find(contract.c_str());
        if (!known) {
            throw std::runtime_error("contract is '" + contract + "'; expected 'fp32_once', 'hf' or 'relaxed'");
        }
        desc.contract = static_cast<norma_contract>(known->value);
    }
    arguments.eps = as_float32("eps", eps);
    arguments.weight_offset = static_cast<float>(weight_offset);
    arguments.x = view(x, "x");
    OwnedTensor y = new_like(Shape(x.get())), residual_out;
    arguments.y = view(y, "y");
    if (weight) {
        arguments.weight = view(weight, "weight");
    }
    if (bias) {
        arguments.bias = view(bias, "bias");
    }
    if (residual) {
        arguments.residual = view(residual, "residual");
        residual_out = new_like(Shape(residual.get()));
        arguments.residual_out = view(residual_out, "residual_out");
    }
    desc.hidden = arguments.x.shape[arguments.x.rank - 1];
    desc.x = arguments.x.dtype;
    desc.weight = arguments.weight.dtype;
    desc.bias = arguments.bias.dtype;
    desc.residual = arguments.residual.dtype;
    use_threads(execution);
    if (norma_run(&desc, &arguments, &execution) != NORMA_OK) {
        throw std::runtime_error(last_error());
    }
    stack[0] = reinterpret_cast<Value>(y.release());
    if (with_residual) {
        stack[1] = reinterpret_cast<Value>(residual_out.release());
    }
}

bool add_torch_kernels() {
    void *library = nullptr;  // kept as long as the process
    if (!torch.load() || torch.aoti_torch_library_init_impl("norma", "CPU", __FILE__, __LINE__, &library)) {
        return false;
    }
    constexpr struct {
        const char *name;
        Kernel kernel;
    } kernels[] = {{"layer_norm", run<NORMA_LAYER_NORM_FORWARD, false>},
                   {"rms_norm", run<NORMA_RMS_NORM_FORWARD, false>},
                   {"add_layer_norm", run<NORMA_LAYER_NORM_FORWARD, true>},
                   {"add_rms_norm", run<NORMA_RMS_NORM_FORWARD, true>}};
    for (const auto &known : kernels) {
        if (torch.torch_library_impl(library, known.name, known.kernel, abi_version)) {
            return false;
        }
    }
    return true;
}

}  // namespace

void define_torch_ops(nanobind::module_ &module) {
    module.def(
        "add_torch_kernels", add_torch_kernels,
        "Registers CPU kernels of torch.ops.norma's forwards. False where the process has no PyTorch of 2.10 on.");
}

}  // namespace norma::python
