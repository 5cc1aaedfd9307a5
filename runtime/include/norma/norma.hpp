// SPDX-License-Identifier: MIT
// Norma for C++17: norma.h with ownership and exceptions. Header only.
//
//     norma::Plan plan(norma::describe(NORMA_RMS_NORM_FORWARD, 4096, NORMA_F32, NORMA_F32));
//     norma_arguments arguments = norma::arguments(1e-6f);
//     arguments.x = norma::tensor(x, {rows, 4096});
//     arguments.y = norma::tensor(y, {rows, 4096});
//     arguments.weight = norma::tensor(weight, {4096});
//     plan.run(arguments);
//
// Or in one line: norma::rms_norm(x, weight, y, rows, 4096).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "norma/norma.h"

namespace norma {

class Error : public std::runtime_error {
public:
    explicit Error(norma_status status)
        : std::runtime_error(std::string(norma_status_string(status)) + ": " + norma_last_error()), status_(status) {}

    norma_status status() const noexcept { return status_; }

private:
    norma_status status_;
};

inline void check(norma_status status) {
    if (status != NORMA_OK) {
        throw Error(status);
    }
}

// A number of rows or elements, of any integer type. One above INT64_MAX becomes negative, which every call refuses.
struct Extent {
    template <typename T,
              typename = std::enable_if_t<std::is_convertible_v<T, int64_t> && !std::is_floating_point_v<T>>>
    constexpr Extent(T count) : value(static_cast<int64_t>(count)) {}

    int64_t value;
};

// A tensor on the CPU with strides, in elements.
inline norma_tensor tensor(const void *data, norma_dtype dtype, std::initializer_list<Extent> shape,
                           std::initializer_list<Extent> strides) {
    if (shape.size() > NORMA_MAX_RANK || strides.size() != shape.size()) {
        throw std::invalid_argument("norma::tensor: expected at most 4 dimensions, and as many strides");
    }
    norma_tensor tensor = {};
    tensor.data = const_cast<void *>(data);
    tensor.dtype = dtype;
    tensor.device.type = NORMA_CPU;
    tensor.rank = static_cast<int32_t>(shape.size());
    for (int32_t d = 0; d < tensor.rank; d++) {
        tensor.shape[d] = shape.begin()[d].value;
        tensor.strides[d] = strides.begin()[d].value;
    }
    return tensor;
}

// A contiguous tensor on the CPU.
inline norma_tensor tensor(const void *data, norma_dtype dtype, std::initializer_list<Extent> shape) {
    norma_tensor result = tensor(data, dtype, shape, shape);
    int64_t stride = 1;
    for (int32_t d = result.rank - 1; d >= 0; d--) {
        result.strides[d] = stride;
        // A shape that no run accepts may be of any size.
        stride = static_cast<int64_t>(static_cast<uint64_t>(stride) * static_cast<uint64_t>(result.shape[d]));
    }
    return result;
}

// The bits of a 16-bit float, for programs without a type of their own for it.
struct f16 {
    uint16_t bits;
};
struct bf16 {
    uint16_t bits;
};

// How Norma calls a C++ type; specialize it for your own: template <> struct norma::Dtype<Half> : norma::Dtype<f16> {};
template <typename T>
struct Dtype;
template <>
struct Dtype<float> {
    static constexpr norma_dtype value = NORMA_F32;
};
template <>
struct Dtype<f16> {
    static constexpr norma_dtype value = NORMA_F16;
};
template <>
struct Dtype<bf16> {
    static constexpr norma_dtype value = NORMA_BF16;
};

template <typename T>
norma_tensor tensor(T *data, std::initializer_list<Extent> shape) {
    return tensor(data, Dtype<std::remove_cv_t<T>>::value, shape);
}

inline norma_plan_desc describe(norma_op op, Extent hidden, norma_dtype x, norma_dtype weight = NORMA_NONE,
                                norma_dtype bias = NORMA_NONE) {
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = op;
    desc.hidden = hidden.value;
    desc.x = x;
    desc.weight = weight;
    desc.bias = bias;
    return desc;
}

inline norma_arguments arguments(float eps, float weight_offset = 0) {
    norma_arguments result = {};
    result.size = sizeof(result);
    result.eps = eps;
    result.weight_offset = weight_offset;
    return result;
}

// Rows of x: all its dimensions but the last. 0 where the shape is not one that a run accepts.
inline int64_t rows(const norma_arguments &arguments) {
    const norma_tensor &x = arguments.x;
    int64_t count = x.rank >= 1 && x.rank <= NORMA_MAX_RANK ? 1 : 0;
    for (int32_t d = 0; d + 1 < x.rank && count > 0; d++) {
        count = x.shape[d] > 0 && x.shape[d] <= INT64_MAX / count ? count * x.shape[d] : 0;
    }
    return count;
}

inline norma_execution execution(int32_t threads = 0) {
    norma_execution result = {};
    result.size = sizeof(result);
    result.threads = threads;
    return result;
}

// Memory for one run at a time. Grows when a plan needs more.
class Workspace {
public:
    // Sets the workspace of an execution for `rows` rows of the plan and the threads that the execution asks for.
    void attach(const norma_plan *plan, Extent rows, norma_execution &execution) {
        size_t bytes = 0;
        check(norma_plan_workspace_size(plan, rows.value, execution.threads, &bytes));
        attach(bytes, execution);
    }

    void attach(size_t bytes, norma_execution &execution) {
        if (bytes > size_) {
            memory_.reset(::operator new(bytes, alignment));
            size_ = bytes;
        }
        execution.workspace = memory_.get();
        execution.workspace_size = size_;
    }

private:
    static constexpr std::align_val_t alignment{128};
    struct Delete {
        void operator()(void *memory) const { ::operator delete(memory, alignment); }
    };
    std::unique_ptr<void, Delete> memory_;
    size_t size_ = 0;
};

// A call that was checked when it was bound: see norma_bind. Its plan, tensors and workspace outlive it. Used by one
// thread at a time.
class Call {
public:
    Call() = default;
    Call(const norma_plan *plan, const norma_arguments &arguments, const norma_execution *execution)
        : rows_(norma::rows(arguments)) {
        norma_call *call = nullptr;
        check(norma_bind(plan, &arguments, execution, &call));
        call_.reset(call);
    }

    // All rows that were bound, or the first ones.
    void run() { check(norma_call_run(get(), rows_)); }
    void run(Extent rows) { check(norma_call_run(get(), rows.value)); }

    void set_data(norma_tensor_role role, const void *data) {
        check(norma_call_set_data(get(), role, const_cast<void *>(data)));
    }

    int64_t rows() const noexcept { return rows_; }
    norma_call *get() const noexcept { return call_.get(); }
    explicit operator bool() const noexcept { return call_ != nullptr; }

private:
    struct Destroy {
        void operator()(norma_call *call) const { norma_call_destroy(call); }
    };
    std::unique_ptr<norma_call, Destroy> call_;
    int64_t rows_ = 0;
};

class Plan {
public:
    // None yet: whatever it is asked to run is refused.
    Plan() = default;
    explicit Plan(const norma_plan_desc &desc) {
        norma_plan *plan = nullptr;
        check(norma_plan_create(&desc, &plan));
        plan_.reset(plan);
    }

    // Plans that need a workspace take one in the execution: see Workspace.
    void run(const norma_arguments &arguments) const { check(norma_plan_run(get(), &arguments, nullptr)); }
    void run(const norma_arguments &arguments, const norma_execution &execution) const {
        check(norma_plan_run(get(), &arguments, &execution));
    }
    void run(const norma_arguments &arguments, norma_execution execution, Workspace &workspace) const {
        workspace.attach(get(), rows(arguments), execution);
        check(norma_plan_run(get(), &arguments, &execution));
    }

    // For calls that are repeated.
    Call bind(const norma_arguments &arguments) const { return {get(), arguments, nullptr}; }
    Call bind(const norma_arguments &arguments, const norma_execution &execution) const {
        return {get(), arguments, &execution};
    }
    Call bind(const norma_arguments &arguments, norma_execution execution, Workspace &workspace) const {
        workspace.attach(get(), rows(arguments), execution);
        return {get(), arguments, &execution};
    }

    size_t workspace_size(Extent rows, int32_t threads = 0) const {
        size_t bytes = 0;
        check(norma_plan_workspace_size(get(), rows.value, threads, &bytes));
        return bytes;
    }
    const char *kernel() const { return norma_plan_kernel(get()); }
    const char *explain() const { return norma_plan_explain(get()); }
    const norma_plan *get() const { return plan_.get(); }
    explicit operator bool() const noexcept { return plan_ != nullptr; }

private:
    struct Destroy {
        void operator()(norma_plan *plan) const { norma_plan_destroy(plan); }
    };
    std::unique_ptr<norma_plan, Destroy> plan_;
};

namespace detail {

// What a caller passes as a tensor: a pointer, or what has data() and size(), as std::span and std::vector have.
template <typename V>
norma_tensor view(const char *name, const V &view, std::initializer_list<Extent> shape) {
    norma_tensor result = {};
    if constexpr (std::is_pointer_v<std::decay_t<V>>) {
        result = tensor(view, shape);
    } else if constexpr (!std::is_null_pointer_v<V>) {
        result = tensor(view.data(), shape);
        const int64_t size = Extent(view.size()).value, last = result.shape[result.rank - 1];
        // As a run finds the shape: without overflow.
        const bool fits = result.rank == 1 ? size == last
                          : last > 0       ? size % last == 0 && size / last == result.shape[0]
                                           : size == 0;
        if (!fits) {
            throw std::invalid_argument(std::string("norma: ") + name + " has " + std::to_string(size) +
                                        " elements; expected " + std::to_string(result.shape[0]) +
                                        (result.rank == 1 ? "" : " x " + std::to_string(last)));
        }
    }
    return result;
}

template <typename V>
norma_tensor output(const char *name, V &&to, std::initializer_list<Extent> shape) {
    if constexpr (std::is_pointer_v<std::decay_t<V>>) {
        static_assert(!std::is_const_v<std::remove_pointer_t<std::decay_t<V>>>, "norma: an output is written");
    } else {
        static_assert(!std::is_const_v<std::remove_pointer_t<decltype(to.data())>>, "norma: an output is written");
    }
    return view(name, to, shape);
}

inline void run(norma_op op, Extent hidden, const norma_arguments &arguments) {
    norma_plan_desc desc = describe(op, hidden, arguments.x.dtype, arguments.weight.dtype, arguments.bias.dtype);
    desc.y = arguments.y.dtype;
    desc.flags = arguments.x.data == arguments.y.data && desc.x == desc.y ? NORMA_Y_IN_PLACE : 0;
    check(norma_run(&desc, &arguments, nullptr));
}

}  // namespace detail

// The common case in one line, through norma_run, on the CPU: rows of `hidden` contiguous elements, x and y of
// [rows, hidden], weight and bias of [hidden], all of float, f16, bf16 or another type with a Dtype. Each is a pointer,
// or anything with data() and size(), whose size is checked; weight and bias may be nullptr, which means none; y may be
// x. Throws norma::Error as the other functions here, and std::invalid_argument for a size that does not fit. The
// default eps is that of LlamaRMSNorm in Hugging Face's transformers, 1e-6, and that of PyTorch's LayerNorm, 1e-5; most
// models state their own.
template <typename X, typename W, typename Y>
void rms_norm(const X &x, const W &weight, Y &&y, Extent rows, Extent hidden, float eps = 1e-6f) {
    norma_arguments call = arguments(eps);
    call.x = detail::view("x", x, {rows, hidden});
    call.y = detail::output("y", y, {rows, hidden});
    call.weight = detail::view("weight", weight, {hidden});
    detail::run(NORMA_RMS_NORM_FORWARD, hidden, call);
}

template <typename X, typename W, typename B, typename Y>
void layer_norm(const X &x, const W &weight, const B &bias, Y &&y, Extent rows, Extent hidden, float eps = 1e-5f) {
    norma_arguments call = arguments(eps);
    call.x = detail::view("x", x, {rows, hidden});
    call.y = detail::output("y", y, {rows, hidden});
    call.weight = detail::view("weight", weight, {hidden});
    call.bias = detail::view("bias", bias, {hidden});
    detail::run(NORMA_LAYER_NORM_FORWARD, hidden, call);
}

}  // namespace norma
