// SPDX-License-Identifier: MIT
#include "array.h"

#include <cstring>
#include <string>

#include "dlpack_exchange.h"
#include "huge_pages.h"
#include "numpy_array.h"
#include "runtime/vocabulary/dtypes.h"

namespace norma::python {
namespace {

struct DLPackType {
    norma_dtype dtype;
    uint8_t code, bits;
};
constexpr DLPackType dlpack_types[] = {
    {NORMA_F32, 2, 32}, {NORMA_F16, 2, 16}, {NORMA_BF16, 4, 16},    {NORMA_I8, 0, 8},
    {NORMA_U8, 1, 8},   {NORMA_I32, 0, 32}, {NORMA_F8_E4M3, 10, 8}, {NORMA_F8_E5M2, 12, 8},
};

constexpr int32_t dlpack_cpu = 1, dlpack_cuda = 2, dlpack_cuda_host = 3, dlpack_cuda_managed = 13;

[[noreturn]] void refuse_type(const char *name, nb::handle array) {
    const nb::object dtype = nb::getattr(array, "dtype", nb::getattr(array, "format", nb::str("an unknown type")));
    throw nb::type_error((std::string(name) + " has elements of " + nb::str(dtype).c_str() +
                          "; expected float32, float16, bfloat16, int8, uint8, int32, float8_e4m3fn or float8_e5m2, "
                          "in the machine's byte order")
                             .c_str());
}

[[noreturn]] void refuse_read_only(const char *name) {
    throw nb::value_error((std::string(name) + " is read-only; expected an array that may be written").c_str());
}

// Strides, null where the array is contiguous, are in units of which an element has `unit`.
void lay_out(norma_tensor &tensor, const char *name, int32_t rank, const int64_t *shape, const int64_t *strides,
             int64_t unit) {
    if (rank > NORMA_MAX_RANK) {
        throw nb::value_error(
            (std::string(name) + " has " + std::to_string(rank) + " dimensions; expected at most 4").c_str());
    }
    tensor.rank = rank;
    int64_t contiguous = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        tensor.shape[d] = shape[d];
        tensor.strides[d] = strides ? strides[d] / unit : contiguous;
        if (strides && shape[d] > 1 && strides[d] % unit != 0) {
            throw nb::value_error((std::string(name) + " has a stride of " + std::to_string(strides[d]) +
                                   " bytes; expected a multiple of " + std::to_string(unit) + ", its elements' size")
                                      .c_str());
        }
        contiguous *= shape[d];
    }
}

norma_tensor from_dlpack(const DLTensor &source, nb::handle array, const char *name) {
    norma_tensor tensor = {};
    for (const DLPackType &known : dlpack_types) {
        if (known.code == source.dtype.code && known.bits == source.dtype.bits && source.dtype.lanes == 1) {
            tensor.dtype = known.dtype;
        }
    }
    if (tensor.dtype == NORMA_NONE) {
        refuse_type(name, array);
    }
    const int32_t device = source.device.device_type;
    if (device != dlpack_cpu && device != dlpack_cuda && device != dlpack_cuda_host && device != dlpack_cuda_managed) {
        throw nb::value_error((std::string(name) + " is on a device of DLPack's type " + std::to_string(device) +
                               "; expected the CPU (1) or CUDA (2)")
                                  .c_str());
    }
    const bool cuda = device == dlpack_cuda || device == dlpack_cuda_managed;
    tensor.device = {cuda ? NORMA_CUDA : NORMA_CPU, cuda ? source.device.device_id : 0};
    tensor.data = source.data ? static_cast<char *>(source.data) + source.byte_offset : nullptr;
    lay_out(tensor, name, source.ndim, source.shape, source.strides, 1);
    return tensor;
}

norma_tensor from_numpy(nb::handle array, const char *name, bool output) {
    const NumpyView source = view_numpy(array);
    if (source.dtype == NORMA_NONE) {
        refuse_type(name, array);
    }
    if (output && !source.writable) {
        refuse_read_only(name);
    }
    norma_tensor tensor = {};
    tensor.dtype = source.dtype;
    tensor.device.type = NORMA_CPU;
    tensor.data = source.data;
    lay_out(tensor, name, source.rank, source.shape, source.strides, source.itemsize);
    return tensor;
}

// The functions of the array's type, or null. Types are few, live as long as this cache (which keeps them), and are
// compared under the GIL.
const DLPackExchangeAPI *exchange_of(nb::handle array) {
    struct Known {
        PyObject *type;
        const DLPackExchangeAPI *api;
    };
    static std::vector<Known> cache;
    PyObject *type = array.type().ptr();
    for (const Known &known : cache) {
        if (known.type == type) {
            return known.api;
        }
    }
    const nb::object capsule = nb::getattr(array.type(), "__dlpack_c_exchange_api__", nb::none());
    const DLPackExchangeAPI *api = nullptr;
    if (PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api")) {
        api = static_cast<const DLPackExchangeAPI *>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
        api = api->header.major == 1 && api->dltensor_from_py_object_no_sync ? api : nullptr;
    }
    if (cache.size() < 64) {
        Py_INCREF(type);
        cache.push_back({type, api});
    }
    return api;
}

// JAX hands its immutable arrays over without saying that they are read-only.
bool is_of_jax(nb::handle array) {
    return strncmp(nb::str(nb::getattr(array.type(), "__module__", nb::str(""))).c_str(), "jax", 3) == 0;
}

norma_tensor from_any(nb::handle array, const char *name, bool output, Leases &leases) {
    nb::ndarray<nb::ro> source;
    nb::ndarray<> written;
    if (output && !is_of_jax(array) && nb::try_cast(array, written, false)) {
        source = nb::ndarray<nb::ro>(written);
    } else if (!nb::try_cast(array, source, false)) {
        throw nb::type_error((std::string(name) + " is of type " + nb::inst_name(array).c_str() +
                              "; expected an array: one of NumPy, or with DLPack or the buffer protocol")
                                 .c_str());
    } else if (output) {
        refuse_read_only(name);
    }
    int64_t shape[NORMA_MAX_RANK] = {}, strides[NORMA_MAX_RANK] = {};
    for (size_t d = 0; d < source.ndim() && d < NORMA_MAX_RANK; d++) {
        shape[d] = static_cast<int64_t>(source.shape(d));
        strides[d] = source.stride(d);
    }
    const nb::dlpack::dtype dtype = source.dtype();
    const DLTensor tensor = {const_cast<void *>(source.data()),
                             {source.device_type(), source.device_id()},
                             static_cast<int32_t>(source.ndim()),
                             {dtype.code, dtype.bits, dtype.lanes},
                             shape,
                             strides,
                             0};
    leases.push_back(std::move(source));
    return from_dlpack(tensor, array, name);
}

size_t bytes_of(const norma_tensor &tensor) {
    size_t bytes = dtype_size(tensor.dtype);
    for (int32_t d = 0; d < tensor.rank; d++) {
        bytes *= static_cast<size_t>(tensor.shape[d]);
    }
    return bytes;
}

struct Failure {
    std::string message;
    static void set(void *failure, const char *, const char *message) {
        static_cast<Failure *>(failure)->message = message;
    }
};

nb::object new_by_exchange(const DLPackExchangeAPI &api, DLTensor &prototype, norma_tensor *tensor) {
    DLManagedTensorVersioned *managed = nullptr;
    Failure failure;
    if (api.managed_tensor_allocator(&prototype, &managed, &failure, Failure::set) != 0) {
        throw std::runtime_error("no array for a result: " + failure.message);
    }
    void *array = nullptr;
    if (api.managed_tensor_to_py_object_no_sync(managed, &array) != 0) {
        throw nb::python_error();
    }
    nb::object result = nb::steal(static_cast<PyObject *>(array));
    DLTensor made = {};
    if (api.dltensor_from_py_object_no_sync(array, &made) != 0) {
        throw nb::python_error();
    }
    *tensor = from_dlpack(made, result, "result");
    if (tensor->device.type == NORMA_CPU) {
        ask_for_huge_pages(tensor->data, bytes_of(*tensor));
    }
    return result;
}

}  // namespace

norma_tensor view(nb::handle array, const char *name, bool output, Leases &leases) {
    if (is_numpy(array)) {
        return from_numpy(array, name, output);
    }
    if (const DLPackExchangeAPI *api = exchange_of(array)) {
        DLTensor tensor = {};
        if (api->dltensor_from_py_object_no_sync(array.ptr(), &tensor) != 0) {
            throw nb::python_error();
        }
        return from_dlpack(tensor, array, name);
    }
    return from_any(array, name, output, leases);
}

nb::object new_array(nb::handle like, const norma_device &device, norma_dtype dtype, int32_t rank, const int64_t *shape,
                     norma_tensor *tensor) {
    const DLPackExchangeAPI *api = is_numpy(like) ? nullptr : exchange_of(like);
    if (api && api->managed_tensor_allocator) {
        DLTensor prototype = {};
        prototype.device = {device.type == NORMA_CUDA ? dlpack_cuda : dlpack_cpu, device.id};
        prototype.ndim = rank;
        prototype.shape = const_cast<int64_t *>(shape);
        for (const DLPackType &known : dlpack_types) {
            if (known.dtype == dtype) {
                prototype.dtype = {known.code, known.bits, 1};
            }
        }
        return new_by_exchange(*api, prototype, tensor);
    }
    if (device.type != NORMA_CPU) {
        throw nb::value_error("results on CUDA are given (out=...), unless the arrays' library allocates by DLPack");
    }
    *tensor = {};
    tensor->dtype = dtype;
    tensor->device = device;
    nb::object array = new_numpy(dtype, rank, shape, &tensor->data);
    lay_out(*tensor, "result", rank, shape, nullptr, 1);
    return array;
}

nb::object to_library_of(nb::handle like, nb::object array) {
    if (is_numpy(like) || !nb::hasattr(like, "__array_namespace__") || !is_numpy(array)) {
        return array;
    }
    return like.attr("__array_namespace__")().attr("asarray")(array);
}

void *stream_of(nb::handle array, const norma_device &device) {
    const DLPackExchangeAPI *api = device.type == NORMA_CUDA && !is_numpy(array) ? exchange_of(array) : nullptr;
    void *stream = nullptr;
    if (api && api->current_work_stream && api->current_work_stream(dlpack_cuda, device.id, &stream) != 0) {
        throw nb::python_error();
    }
    return stream;
}

}  // namespace norma::python
