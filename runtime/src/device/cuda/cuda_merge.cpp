// SPDX-License-Identifier: MIT
#include "cuda_merge.h"

#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/kernel_host/cuda/modules.h"
#include "runtime/kernel_host/halide_type.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

struct Buffer {
    halide_dimension_t dimensions[3];
    halide_buffer_t buffer;

    Buffer(double *data, int32_t rank) : dimensions{}, buffer{} {
        buffer.device = reinterpret_cast<uintptr_t>(data);
        buffer.type = halide_type(NORMA_F64);
        buffer.dimensions = rank;
        buffer.dim = dimensions;
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
};

struct OfChunks : Buffer {
    OfChunks(const Merge &merge, double *data) : Buffer(data, 3) {
        const auto chunks = static_cast<int32_t>(merge.chunks);
        dimensions[0] = {0, chunks, 1, 0};
        dimensions[1] = {0, static_cast<int32_t>(merge.rows), chunks, 0};
        dimensions[2] = {0, static_cast<int32_t>(merge.ranks), static_cast<int32_t>(merge.rank_stride), 0};
    }
};

struct OfRows : Buffer {
    OfRows(const Merge &merge, double *data) : Buffer(data, 1) {
        dimensions[0] = {0, static_cast<int32_t>(merge.rows), 1, 0};
    }
};

CudaCall call_of(const norma_plan &plan, void *stream, bool only_load, CallContext &context) {
    context = {};
    return {stream, plan.desc.device.id, only_load, NORMA_OK, context.message, nullptr};
}

norma_status status_of(const CudaCall &cuda, int error) {
    return error == 0 ? NORMA_OK : fail(cuda.status ? cuda.status : NORMA_INTERNAL, "merge: %s", cuda.message);
}

}  // namespace

norma_status merge_on_cuda(const Merge &merge) {
    if (merge.rows == 0 && !is_current(merge.plan->desc.device.id)) {
        return NORMA_OK;
    }
    CallContext context, *context_address = &context;
    CudaCall cuda = call_of(*merge.plan, merge.stream, merge.rows == 0, context);
    context.device_call = &cuda;
    Merge launched = merge;
    launched.rows = merge.rows == 0 ? 1 : merge.rows;  // which nobody looks at
    OfChunks first(launched, merge.first), second(launched, merge.second);
    OfRows merged_first(launched, merge.merged_first), merged_second(launched, merge.merged_second);
    int32_t slice = static_cast<int32_t>(merge.slice), chunk = static_cast<int32_t>(merge.chunk),
            centred = merge.centred ? 1 : 0;
    void *arguments[] = {&context_address, &first.buffer, &second.buffer,       &slice,
                         &chunk,           &centred,      &merged_first.buffer, &merged_second.buffer};
    return status_of(cuda, merge.plan->target->merge(arguments));
}

norma_status fill_nan_on_cuda(const norma_plan &plan, void *stream, double *begin, int64_t count) {
    CallContext context;
    CudaCall cuda = call_of(plan, stream, false, context);
    if (!check_context(cuda)) {
        return status_of(cuda, -1);
    }
    const size_t bytes = static_cast<size_t>(count) * sizeof *begin;
    const int error = cuda_driver()->cuMemsetD8Async(reinterpret_cast<uintptr_t>(begin), 0xff, bytes, cuda.stream);
    if (error != 0) {
        fail_call(cuda, "cuMemsetD8Async", error);
    }
    return status_of(cuda, error);
}

}  // namespace norma
