// SPDX-License-Identifier: MIT
// Norma for C++17: norma.h with ownership and exceptions. Header only.
//
//     norma::Plan plan(norma::describe(NORMA_RMS_NORM_FORWARD, 4096, NORMA_F32, NORMA_F32));
//     norma_arguments arguments = norma::arguments(1e-6f);
//     arguments.x = norma::tensor(x, {rows, 4096});
//     arguments.y = norma::tensor(y, {rows, 4096});
//     arguments.weight = norma::tensor(weight, {4096});
//     plan.run(arguments);
#pragma once

#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
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

// A tensor on the CPU with strides, in elements.
inline norma_tensor tensor(const void *data, norma_dtype dtype, std::initializer_list<int64_t> shape,
                           std::initializer_list<int64_t> strides) {
    if (shape.size() > NORMA_MAX_RANK || strides.size() != shape.size()) {
        throw std::invalid_argument("norma::tensor: expected at most 4 dimensions, and as many strides");
    }
    norma_tensor tensor = {};
    tensor.data = const_cast<void *>(data);
    tensor.dtype = dtype;
    tensor.device.type = NORMA_CPU;
    tensor.rank = static_cast<int32_t>(shape.size());
    for (int32_t d = 0; d < tensor.rank; d++) {
        tensor.shape[d] = shape.begin()[d];
        tensor.strides[d] = strides.begin()[d];
    }
    return tensor;
}

// A contiguous tensor on the CPU.
inline norma_tensor tensor(const void *data, norma_dtype dtype, std::initializer_list<int64_t> shape) {
    norma_tensor result = tensor(data, dtype, shape, shape);
    int64_t stride = 1;
    for (int32_t d = result.rank - 1; d >= 0; d--) {
        result.strides[d] = stride;
        stride *= result.shape[d];
    }
    return result;
}

inline norma_tensor tensor(const float *data, std::initializer_list<int64_t> shape) {
    return tensor(data, NORMA_F32, shape);
}

inline norma_plan_desc describe(norma_op op, int64_t hidden, norma_dtype x, norma_dtype weight = NORMA_NONE,
                                norma_dtype bias = NORMA_NONE) {
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = op;
    desc.hidden = hidden;
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
    void attach(const norma_plan *plan, int64_t rows, norma_execution &execution) {
        size_t bytes = 0;
        check(norma_plan_workspace_size(plan, rows, execution.threads, &bytes));
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

class Plan {
public:
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

    size_t workspace_size(int64_t rows, int32_t threads = 0) const {
        size_t bytes = 0;
        check(norma_plan_workspace_size(get(), rows, threads, &bytes));
        return bytes;
    }
    const char *kernel() const { return norma_plan_kernel(get()); }
    const char *explain() const { return norma_plan_explain(get()); }
    const norma_plan *get() const { return plan_.get(); }

private:
    struct Destroy {
        void operator()(norma_plan *plan) const { norma_plan_destroy(plan); }
    };
    std::unique_ptr<norma_plan, Destroy> plan_;
};

}  // namespace norma
