// SPDX-License-Identifier: MIT
// A handler of XLA's foreign function interface, for jax.ffi: tensors by role, as its attributes list them. Runs
// without the GIL, on XLA's threads.
#include "xla.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

#include "last_error.h"
#include "norma/norma.h"
#include "runtime/vocabulary/tensors.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace norma::python {
namespace {

norma_dtype dtype_of(ffi::DataType type) {
    switch (type) {
        case ffi::F32: return NORMA_F32;
        case ffi::F16: return NORMA_F16;
        case ffi::BF16: return NORMA_BF16;
        case ffi::S8: return NORMA_I8;
        case ffi::U8: return NORMA_U8;
        case ffi::S32: return NORMA_I32;
        case ffi::F8E4M3FN: return NORMA_F8_E4M3;
        case ffi::F8E5M2: return NORMA_F8_E5M2;
        default: return NORMA_NONE;
    }
}

// XLA's arrays are dense: all dimensions of rows become one.
norma_tensor tensor_of_buffer(const ffi::AnyBuffer &buffer, TensorKind kind) {
    norma_tensor tensor = {};
    tensor.data = buffer.untyped_data();
    tensor.dtype = dtype_of(buffer.element_type());
    tensor.device.type = NORMA_CPU;
    const auto dimensions = buffer.dimensions();
    const auto count = static_cast<int64_t>(buffer.element_count());
    const int64_t last = dimensions.size() > 0 ? dimensions.back() : 1;
    if (kind == TensorKind::activation || kind == TensorKind::groups) {
        tensor.rank = 2;
        tensor.shape[0] = last > 0 ? count / last : 0;
        tensor.shape[1] = tensor.strides[0] = last;
        tensor.strides[1] = 1;
    } else {
        tensor.rank = 1;
        tensor.shape[0] = count;
        tensor.strides[0] = 1;
    }
    return tensor;
}

// A loop whose helpers may come late, or never: they touch nothing of the caller's then. The calling thread takes part,
// and waits for none that has not begun, so that a pool that is full of callers goes on.
struct Loop {
    int64_t count;
    norma_task task;
    void *task_data;
    int64_t next = 0, done = 0;
    std::mutex mutex;
    std::condition_variable all_done;

    void take_tasks() {
        std::unique_lock<std::mutex> lock(mutex);
        while (next < count) {
            const int64_t index = next++;
            lock.unlock();
            task(task_data, index);
            lock.lock();
            done++;
        }
        all_done.notify_all();
    }
    void wait() {
        std::unique_lock<std::mutex> lock(mutex);
        all_done.wait(lock, [this] { return done == count; });
    }
};

int run_on_xla(void *context, int64_t count, norma_task task, void *task_data) {
    auto &pool = *static_cast<ffi::ThreadPool *>(context);
    auto loop = std::make_shared<Loop>();
    loop->count = count;
    loop->task = task;
    loop->task_data = task_data;
    for (int64_t helper = 1; helper < std::min(count, pool.num_threads()); helper++) {
        pool.Schedule([loop] { loop->take_tasks(); });
    }
    loop->take_tasks();
    loop->wait();
    return 0;
}

struct Call {
    norma_plan_desc desc = {};
    norma_arguments arguments = {};

    norma_tensor &tensor(Role role) { return tensor_of(arguments, tensor_index(role)); }

    ffi::Error place(const std::string &name, const ffi::AnyBuffer &buffer) {
        const int role = find_role(name.c_str());
        if (role < 0 || !is_tensor(static_cast<Role>(role))) {
            return ffi::Error(ffi::ErrorCode::kInvalidArgument, "norma: no tensor is called " + name);
        }
        Variant variant;
        variant.scale = desc.scale;
        norma_tensor &tensor = tensor_of(arguments, role);
        tensor = tensor_of_buffer(buffer, tensor_roles[role].kind(variant));
        return tensor.dtype ? ffi::Error::Success()
                            : ffi::Error(ffi::ErrorCode::kInvalidArgument,
                                         "norma: " + name + " is of a type that Norma does not know");
    }

    void describe() {
        const bool backward = is_backward(desc.op);
        const auto either = [&](Role forward, Role gradient) { return tensor(backward ? gradient : forward).dtype; };
        const norma_tensor &x = tensor(Role::x);
        desc.hidden = x.shape[1];
        desc.x = x.dtype;
        desc.y = either(Role::y, Role::dy);
        desc.weight = tensor(Role::weight).dtype;
        desc.bias = either(Role::bias, Role::dbias);
        desc.residual = either(Role::residual, Role::d_residual);
        if (tensor(Role::rstd).rank == 0) {
            desc.flags = backward ? NORMA_RECOMPUTE_STATISTICS : 0;
        } else {
            desc.flags = backward ? 0 : NORMA_SAVE_STATISTICS;
        }
    }
};

template <typename Buffers, typename Get>
ffi::Error place_all(Call &call, std::string_view names, const Buffers &buffers, Get get) {
    std::istringstream words{std::string(names)};
    std::string name;
    for (size_t i = 0; i < buffers.size() && words >> name; i++) {
        auto buffer = get(buffers, i);
        if (!buffer.has_value()) {
            return buffer.error();
        }
        if (ffi::Error error = call.place(name, *buffer); error.failure()) {
            return error;
        }
    }
    return ffi::Error::Success();
}

ffi::Error run(ffi::ThreadPool pool, ffi::RemainingArgs inputs, ffi::RemainingRets outputs, std::string_view op,
               std::string_view input_roles, std::string_view output_roles, std::string_view contract,
               std::string_view scale, float eps, float weight_offset) {
    Call call;
    call.desc.size = sizeof call.desc;
    call.arguments.size = sizeof call.arguments;
    call.arguments.eps = eps;
    call.arguments.weight_offset = weight_offset;
    const OpInfo *info = find_op(std::string(op).c_str());
    const Word *known_contract = contract_words.find(std::string(contract).c_str()),
               *known_scale = scale_words.find(std::string(scale).c_str());
    if (!info || !known_contract || !known_scale) {
        return ffi::Error(ffi::ErrorCode::kInvalidArgument, "norma: unknown op, contract or scale");
    }
    call.desc.op = info->op;
    call.desc.contract = static_cast<norma_contract>(known_contract->value);
    call.desc.scale = static_cast<norma_scale>(known_scale->value);
    ffi::Error error = place_all(call, input_roles, inputs,
                                 [](const auto &all, size_t i) { return all.template get<ffi::AnyBuffer>(i); });
    if (error.failure()) {
        return error;
    }
    error = place_all(call, output_roles, outputs, [](const auto &all, size_t i) -> ffi::ErrorOr<ffi::AnyBuffer> {
        auto result = all.template get<ffi::AnyBuffer>(i);
        return result.has_value() ? ffi::ErrorOr<ffi::AnyBuffer>(**result)
                                  : ffi::ErrorOr<ffi::AnyBuffer>(ffi::Unexpected(result.error()));
    });
    if (error.failure()) {
        return error;
    }
    call.describe();
    norma_execution execution = {};
    execution.size = sizeof execution;
    execution.threads = static_cast<int32_t>(std::max<int64_t>(pool.num_threads(), 1));
    execution.parallel_for = run_on_xla;
    execution.parallel_for_context = &pool;
    const norma_status status = norma_run(&call.desc, &call.arguments, &execution);
    return status == NORMA_OK ? ffi::Error::Success()
                              : ffi::Error(status == NORMA_NOT_IN_LIBRARY ? ffi::ErrorCode::kUnimplemented
                                                                          : ffi::ErrorCode::kInvalidArgument,
                                           std::string("norma: ") + last_error());
}

XLA_FFI_DEFINE_HANDLER(handler, run,
                       ffi::Ffi::Bind()
                           .Ctx<ffi::ThreadPool>()
                           .RemainingArgs()
                           .RemainingRets()
                           .Attr<std::string_view>("op")
                           .Attr<std::string_view>("inputs")
                           .Attr<std::string_view>("outputs")
                           .Attr<std::string_view>("contract")
                           .Attr<std::string_view>("scale")
                           .Attr<float>("eps")
                           .Attr<float>("weight_offset"));

}  // namespace

void define_xla(nanobind::module_ &module) {
    module.def(
        "xla_handler", [] { return nanobind::capsule(reinterpret_cast<void *>(+handler)); },
        "The handler of XLA's foreign function interface that norma.jax registers.",
        nanobind::sig("def xla_handler() -> Any"));
}

}  // namespace norma::python
