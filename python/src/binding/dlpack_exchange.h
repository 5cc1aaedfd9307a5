// SPDX-License-Identifier: MIT
// The part of DLPack 1.3 that Norma reads: tensors, and the C functions by which a framework hands them over without
// Python calls (https://dmlc.github.io/dlpack/latest/python_spec.html, __dlpack_c_exchange_api__). Names are DLPack's.
#pragma once

#include <cstdint>

extern "C" {

struct DLDevice {
    int32_t device_type, device_id;
};

struct DLDataType {
    uint8_t code, bits;
    uint16_t lanes;
};

struct DLTensor {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

struct DLManagedTensorVersioned;

struct DLPackExchangeAPI {
    struct {
        uint32_t major, minor;
        void *prev_api;
    } header;
    int (*managed_tensor_allocator)(DLTensor *prototype, DLManagedTensorVersioned **out, void *error_context,
                                    void (*set_error)(void *error_context, const char *kind, const char *message));
    int (*managed_tensor_from_py_object_no_sync)(void *py_object, DLManagedTensorVersioned **out);
    int (*managed_tensor_to_py_object_no_sync)(DLManagedTensorVersioned *tensor, void **out_py_object);
    int (*dltensor_from_py_object_no_sync)(void *py_object, DLTensor *out);  // null where there is none
    int (*current_work_stream)(int32_t device_type, int32_t device_id, void **out_stream);
};

}  // extern "C"
