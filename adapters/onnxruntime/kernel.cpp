// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "norma/norma.hpp"

namespace norma::ort {
namespace {

struct Failure : std::exception {
    Status *status;

    explicit Failure(Status *its_status) : status(its_status) {}
};

void check(Status *status) {
    if (status) {
        throw Failure(status);
    }
}

void set(int64_t *to, std::initializer_list<int64_t> values) { std::copy(values.begin(), values.end(), to); }

class TensorInfo {
public:
    TensorInfo(const Api &api, const Value *value) : api_(api) { check(api.GetTensorTypeAndShape(value, &info_)); }
    ~TensorInfo() { api_.ReleaseTensorTypeAndShapeInfo(info_); }
    TensorInfo(const TensorInfo &) = delete;
    TensorInfo &operator=(const TensorInfo &) = delete;

    int64_t elements() const {
        size_t count = 0;
        check(api_.GetTensorShapeElementCount(info_, &count));
        return static_cast<int64_t>(count);
    }
    std::vector<int64_t> dimensions() const {
        size_t rank = 0;
        check(api_.GetDimensionsCount(info_, &rank));
        std::vector<int64_t> dimensions(rank);
        check(api_.GetDimensions(info_, dimensions.data(), rank));
        return dimensions;
    }

private:
    const Api &api_;
    TensorTypeAndShapeInfo *info_ = nullptr;
};

}  // namespace

// Rows of all tensors: [outer, inner, hidden], where the residual may be the same [inner, hidden] for all outer ones.
struct Kernel::Shape {
    std::vector<int64_t> y, statistics;  // as the session has them
    int64_t hidden = 0, outer = 1, inner = 0;

    bool operator==(const Shape &other) const {
        return hidden == other.hidden && outer == other.outer && inner == other.inner;
    }
};

// A plan, and a call that was checked for a shape.
struct Kernel::Bound {
    const Api &api;
    Shape shape = {};
    uint32_t present = 0;  // tensors, as bits of their roles
    norma::Plan plan = {};
    norma::Workspace workspace = {};
    std::vector<float> sum = {};  // where the node has no output for x + residual
    norma::Call call = {};
    KernelContext *context = nullptr;  // of the run

    void bind(norma_op op, norma_arguments arguments, const Shape &new_shape, uint32_t tensors) {
        if (!plan || shape.hidden != new_shape.hidden || present != tensors) {
            norma_plan_desc desc =
                norma::describe(op, new_shape.hidden, arguments.x.dtype, arguments.weight.dtype, arguments.bias.dtype);
            desc.residual = arguments.residual.dtype;
            desc.flags = arguments.mean.data || arguments.rstd.data ? NORMA_SAVE_STATISTICS : 0;
            plan = norma::Plan(desc);
        }
        if (arguments.residual.data && !arguments.residual_out.data) {
            sum.resize(static_cast<size_t>(norma::rows(arguments) * new_shape.hidden));
            arguments.residual_out = arguments.y;
            arguments.residual_out.data = sum.data();
        }
        norma_execution execution = norma::execution();
        execution.parallel_for = run_on_session;
        execution.parallel_for_context = this;
        call = plan.bind(arguments, execution, workspace);
        shape = new_shape;
        present = tensors;
    }

    static int run_on_session(void *bound, int64_t count, norma_task task, void *task_data) {
        struct Loop {
            norma_task task;
            void *data;
        } loop{task, task_data};
        const auto run = [](void *data, size_t index) {
            const Loop &tasks = *static_cast<Loop *>(data);
            tasks.task(tasks.data, static_cast<int64_t>(index));
        };
        const Bound &self = *static_cast<Bound *>(bound);
        Status *failed =
            self.api.KernelContext_ParallelFor(self.context, run, static_cast<size_t>(count), /*batches=*/0, &loop);
        if (failed) {
            self.api.ReleaseStatus(failed);
        }
        return failed != nullptr;
    }
};

namespace {

template <typename Visit>
void for_each_operand(const Norm &norm, const Visit &visit) {
    std::for_each(norm.inputs, norm.inputs + norm.input_count, visit);
    std::for_each(norm.outputs, norm.outputs + norm.output_count, visit);
}

uint32_t present(const Norm &norm, const norma_arguments &arguments) {
    uint32_t bits = 0;
    for_each_operand(
        norm, [&](const Operand &operand) { bits |= (arguments.*operand.tensor).data ? 1u << operand.role : 0; });
    return bits;
}

// The attribute, or what `value` holds where the node has none.
template <typename T>
void read_attribute(const Api &api, Status *(*get)(const KernelInfo *, const char *, T *), const KernelInfo *info,
                    const char *name, T &value) {
    T found = {};
    if (Status *absent = get(info, name, &found)) {
        api.ReleaseStatus(absent);
    } else {
        value = found;
    }
}

}  // namespace

Kernel::Kernel(const Api &api, const Norm &norm, norma_dtype dtype, const KernelInfo *info)
    : api_(api), norm_(norm), dtype_(dtype), eps_(norm.eps) {
    read_attribute(api, api.KernelInfoGetAttribute_float, info, "epsilon", eps_);
    read_attribute(api, api.KernelInfoGetAttribute_int64, info, "axis", axis_);
}

Kernel::~Kernel() { delete bound_.load(); }

Status *Kernel::run(KernelContext *context) {
    try {
        Shape shape;
        const norma_arguments arguments = view(context, shape);
        if (shape.outer * shape.inner > 0) {
            run(context, arguments, shape);
        }
        return nullptr;
    } catch (const Failure &failure) {
        return failure.status;
    } catch (const norma::Error &error) {
        return api_.CreateStatus(error.status() == NORMA_NOT_IN_LIBRARY ? ORT_NOT_IMPLEMENTED : ORT_FAIL, error.what());
    } catch (const std::invalid_argument &error) {
        return api_.CreateStatus(ORT_INVALID_ARGUMENT, error.what());
    } catch (const std::exception &error) {
        return api_.CreateStatus(ORT_FAIL, error.what());
    }
}

// Data pointers of what is there, and with the shape of x and of the residual all there is to know of the others.
norma_arguments Kernel::view(KernelContext *context, Shape &shape) const {
    norma_arguments arguments = norma::arguments(eps_);
    size_t input_count = 0, output_count = 0;
    check(api_.KernelContext_GetInputCount(context, &input_count));
    check(api_.KernelContext_GetOutputCount(context, &output_count));
    for (size_t i = 0; i < input_count; i++) {
        const Value *value = nullptr;
        check(api_.KernelContext_GetInput(context, i, &value));
        if (value) {
            const Operand &operand = norm_.inputs[i];
            fit(operand, value, i, shape);
            check(api_.GetTensorMutableData(const_cast<Value *>(value), &(arguments.*operand.tensor).data));
        }
    }
    for (size_t i = 0; i < output_count; i++) {
        const Operand &operand = norm_.outputs[i];
        const std::vector<int64_t> &dimensions = operand.kind == Operand::statistic ? shape.statistics : shape.y;
        Value *value = nullptr;
        check(api_.KernelContext_GetOutput(context, i, dimensions.data(), dimensions.size(), &value));
        if (value) {
            check(api_.GetTensorMutableData(value, &(arguments.*operand.tensor).data));
        }
    }
    for_each_operand(norm_, [&](const Operand &operand) {
        norma_tensor &tensor = arguments.*operand.tensor;
        if (tensor.data) {
            lay_out(tensor, operand, shape);
        }
    });
    return arguments;
}

void Kernel::fit(const Operand &operand, const Value *value, size_t index, Shape &shape) const {
    const TensorInfo info(api_, value);
    const int64_t elements = info.elements(), hidden = shape.hidden;
    const auto refuse = [&](const std::string &message) {
        throw std::invalid_argument(std::string("norma.") + norm_.name + ": " + message);
    };
    if (operand.role == NORMA_TENSOR_X) {
        shape.y = shape.statistics = info.dimensions();
        const auto rank = static_cast<int64_t>(shape.y.size());
        const int64_t axis = axis_ < 0 ? axis_ + rank : axis_;
        if (axis < 0 || axis >= rank) {
            refuse("axis is " + std::to_string(axis_) + "; expected one of the " + std::to_string(rank) +
                   " dimensions of input 0");
        }
        const auto first = shape.y.begin() + axis;
        shape.hidden = std::accumulate(first, shape.y.end(), int64_t{1}, std::multiplies<>());
        std::fill(shape.statistics.begin() + axis, shape.statistics.end(), 1);
        shape.inner = shape.hidden > 0 ? elements / shape.hidden : 0;
    } else if (operand.kind == Operand::vector) {
        if (elements != hidden) {
            refuse("input " + std::to_string(index) + " has " + std::to_string(elements) + " elements; expected " +
                   std::to_string(hidden) + ", as many as are normalized together");
        }
    } else if (shape.inner > 0) {  // the statistics have the dimensions of rows
        int64_t rows = 1;
        for (size_t d = shape.y.size(); d-- > 0 && rows * hidden < elements;) {
            rows *= shape.statistics[d];
        }
        if (rows * hidden != elements) {
            refuse("input " + std::to_string(index) + " has " + std::to_string(elements) + " elements; expected " +
                   std::to_string(shape.inner * hidden) + " as input 0, or those of its last dimensions");
        }
        shape.outer = shape.inner / rows;
        shape.inner = rows;
    }
}

void Kernel::lay_out(norma_tensor &tensor, const Operand &operand, const Shape &shape) const {
    tensor.dtype = operand.kind == Operand::statistic ? NORMA_F32 : dtype_;
    const int64_t every = operand.role == NORMA_TENSOR_RESIDUAL ? 0 : shape.inner;  // outer rows share a residual
    switch (operand.kind) {
        case Operand::activation:
            tensor.rank = 3;
            set(tensor.shape, {shape.outer, shape.inner, shape.hidden});
            set(tensor.strides, {every * shape.hidden, shape.hidden, 1});
            break;
        case Operand::statistic:
            tensor.rank = 2;
            set(tensor.shape, {shape.outer, shape.inner});
            set(tensor.strides, {shape.inner, 1});
            break;
        case Operand::vector:
            tensor.rank = 1;
            set(tensor.shape, {shape.hidden});
            set(tensor.strides, {1});
    }
}

void Kernel::run(KernelContext *context, const norma_arguments &arguments, const Shape &shape) {
    const uint32_t tensors = present(norm_, arguments);
    std::unique_ptr<Bound> bound(bound_.exchange(nullptr));
    if (!bound) {
        bound = std::make_unique<Bound>(Bound{api_});
    }
    if (bound->present == tensors && bound->shape == shape) {
        for_each_operand(norm_, [&](const Operand &operand) {
            if (void *data = (arguments.*operand.tensor).data) {
                bound->call.set_data(operand.role, data);
            }
        });
    } else {
        bound->bind(norm_.op, arguments, shape, tensors);
    }
    bound->context = context;
    bound->call.run();
    delete bound_.exchange(bound.release());
}

}  // namespace norma::ort
