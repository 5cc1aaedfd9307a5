// SPDX-License-Identifier: MIT
// Plans and bound calls: norma_plan and norma_call with arrays of Python, for callers that allocate themselves.
#include "plan.h"

#include <nanobind/stl/optional.h>

#include <memory>
#include <optional>
#include <string>

#include "errors.h"
#include "norma/norma.hpp"
#include "run.h"
#include "words.h"

namespace norma::python {
namespace {

using namespace nb::literals;

struct BoundPlan {
    norma_plan_desc desc = {};
    norma::Plan plan;
};

std::unique_ptr<BoundPlan> make_plan(const char *op, int64_t hidden, nb::handle x, nb::handle y, nb::handle weight,
                                     nb::handle bias, nb::handle residual, nb::handle y_float, nb::handle scale,
                                     nb::handle contract, bool statistics, bool f32_gradients, bool accumulate,
                                     nb::handle target, nb::handle kernel) {
    const OpInfo *info = find_op(op);
    if (!info) {
        throw nb::value_error((std::string("op is '") + op +
                               "'; expected 'layer_norm', 'rms_norm', 'layer_norm_backward' or 'rms_norm_backward'")
                                  .c_str());
    }
    auto made = std::make_unique<BoundPlan>();
    norma_plan_desc &desc = made->desc;
    desc = norma::describe(info->op, hidden, value_of<norma_dtype>(dtype_words, "x", x));
    const auto dtype = [](const char *argument, nb::handle word) {
        return value_of<norma_dtype>(dtype_words, argument, word);
    };
    desc.y = dtype("y", y);
    desc.weight = dtype("weight", weight);
    desc.bias = dtype("bias", bias);
    desc.residual = dtype("residual", residual);
    desc.y_float = dtype("y_float", y_float);
    desc.scale = value_of<norma_scale>(scale_words, "scale", scale);
    desc.contract = value_of<norma_contract>(contract_words, "contract", contract);
    desc.target = text_of(target, "target");
    desc.kernel = text_of(kernel, "kernel");
    if (info->backward) {
        desc.flags = (statistics ? 0 : NORMA_RECOMPUTE_STATISTICS) | (f32_gradients ? NORMA_F32_GRADIENTS : 0) |
                     (accumulate ? NORMA_ACCUMULATE_GRADIENTS : 0) | (desc.residual ? NORMA_DX_IN_PLACE : 0);
    } else {
        const bool in_place = desc.contract != NORMA_RELAXED;  // which allows none
        desc.flags = (statistics ? NORMA_SAVE_STATISTICS : 0) |
                     (in_place && (desc.y == NORMA_NONE || desc.y == desc.x) ? NORMA_Y_IN_PLACE : 0) |
                     (in_place && desc.residual ? NORMA_RESIDUAL_OUT_IN_PLACE : 0);
    }
    made->plan = norma::Plan(desc);
    desc.target = desc.kernel = nullptr;  // the caller's strings
    return made;
}

Role tensor_role(const char *name) {
    const int role = find_role(name);
    if (role < 0 || !is_tensor(static_cast<Role>(role))) {
        std::string message = std::string("'") + name + "' is no tensor; expected one of";
        for (const TensorRole &known : tensor_roles) {
            message += std::string(" ") + known.name;
        }
        throw nb::type_error(message.c_str());
    }
    return static_cast<Role>(role);
}

Run prepare(const BoundPlan &plan, double eps, float weight_offset, int y_zero_point, int threads,
            const nb::kwargs &tensors) {
    Run run(plan.desc.op, eps);
    run.desc = plan.desc;
    run.arguments.weight_offset = weight_offset;
    run.arguments.y_zero_point = y_zero_point;
    run.execution.threads = threads;
    for (const auto &[name, array] : tensors) {
        run.give(tensor_role(nb::cast<const char *>(name)), array);
    }
    run.view_inputs();
    run.choose_threads();
    return run;
}

void run_plan(const BoundPlan &plan, double eps, float weight_offset, int y_zero_point, int threads,
              const nb::kwargs &tensors) {
    const Run run = prepare(plan, eps, weight_offset, y_zero_point, threads, tensors);
    norma::Workspace workspace;
    nb::gil_scoped_release released;
    plan.plan.run(run.arguments, run.execution, workspace);
}

// Keeps its plan and its arrays.
class BoundCall {
public:
    BoundCall(nb::object plan, double eps, float weight_offset, int y_zero_point, int threads,
              const nb::kwargs &tensors)
        : plan_(std::move(plan)), arrays_(nb::borrow<nb::dict>(tensors)) {
        const BoundPlan &bound = nb::cast<const BoundPlan &>(plan_);
        run_ = std::make_unique<Run>(prepare(bound, eps, weight_offset, y_zero_point, threads, tensors));
        call_ = bound.plan.bind(run_->arguments, run_->execution, workspace_);
    }

    void run(std::optional<int64_t> rows) {
        const Use use(*this);
        nb::gil_scoped_release released;
        call_.run(rows ? *rows : call_.rows());
    }

    void set_data(const char *name, nb::object array) {
        const Use use(*this);
        const Role role = tensor_role(name);
        const TensorRole &known = tensor_roles[tensor_index(role)];
        const norma_tensor &before = run_->tensor(role);
        Variant variant;
        variant.op = run_->desc.op;
        variant.scale = run_->desc.scale;
        Leases leases;
        const norma_tensor tensor = view(array, name, known.output(variant), leases);
        if (tensor.dtype != before.dtype || tensor.rank != before.rank ||
            memcmp(tensor.shape, before.shape, sizeof tensor.shape) != 0 ||
            memcmp(tensor.strides, before.strides, sizeof tensor.strides) != 0) {
            throw nb::value_error(
                (std::string(name) + " differs in type, shape or strides from what was bound").c_str());
        }
        call_.set_data(static_cast<norma_tensor_role>(tensor_index(role) + 1), tensor.data);
        arrays_[name] = std::move(array);
        for (auto &lease : leases) {
            run_->leases.push_back(std::move(lease));
        }
    }

    int64_t rows() const { return call_.rows(); }

private:
    // One thread at a time: the GIL is given up during a run.
    struct Use {
        explicit Use(BoundCall &call) : call(call) {
            if (call.in_use_) {
                throw std::runtime_error("this call runs on another thread; expected one thread at a time");
            }
            call.in_use_ = true;
        }
        ~Use() { call.in_use_ = false; }
        BoundCall &call;
    };

    nb::object plan_;
    nb::dict arrays_;
    std::unique_ptr<Run> run_;
    norma::Workspace workspace_;
    norma::Call call_;
    bool in_use_ = false;
};

}  // namespace

void define_plans(nb::module_ &module) {
    nb::class_<BoundPlan>(module, "Plan", R"(A kernel, chosen once for a variant and a hidden size.

Args are words of manifests: x="bf16", weight="bf16", scale="row" and so on; docs/manifest.md lists them. statistics: a
forward writes mean and rstd; a backward takes them, rather than computing them again. f32_gradients, accumulate: as of
layer_norm_backward.
)")
        .def(
            "__init__",
            [](nb::pointer_and_handle<BoundPlan> self, const char *op, int64_t hidden, nb::handle x, nb::handle y,
               nb::handle weight, nb::handle bias, nb::handle residual, nb::handle y_float, nb::handle scale,
               nb::handle contract, bool statistics, bool f32_gradients, bool accumulate, nb::handle target,
               nb::handle kernel) {
                new (self.p)
                    BoundPlan(std::move(*make_plan(op, hidden, x, y, weight, bias, residual, y_float, scale, contract,
                                                   statistics, f32_gradients, accumulate, target, kernel)));
            },
            "op"_a, "hidden"_a, nb::kw_only(), "x"_a = "f32", "y"_a = nullptr, "weight"_a = nullptr, "bias"_a = nullptr,
            "residual"_a = nullptr, "y_float"_a = nullptr, "scale"_a = nullptr, "contract"_a = nullptr,
            "statistics"_a = false, "f32_gradients"_a = false, "accumulate"_a = false, "target"_a = nullptr,
            "kernel"_a = nullptr)
        .def_prop_ro(
            "kernel", [](const BoundPlan &plan) { return plan.plan.kernel(); }, "The chosen kernel's name.")
        .def(
            "explain", [](const BoundPlan &plan) { return plan.plan.explain(); },
            "Why this kernel was chosen: a line for each that was considered.")
        .def("run", run_plan, nb::kw_only(), "eps"_a = 1e-5, "weight_offset"_a = 0.0f, "y_zero_point"_a = 0,
             "threads"_a = 0, "tensors"_a,
             nb::sig("def run(self, *, eps: float = 1e-5, weight_offset: float = 0.0, y_zero_point: int = 0, "
                     "threads: int = 0, **tensors: Array) -> None"),
             "Runs with all the plan's tensors given by name (x, weight, y, ...), any number of rows, from any thread.")
        .def(
            "bind",
            [](nb::object self, double eps, float weight_offset, int y_zero_point, int threads,
               const nb::kwargs &tensors) {
                return new BoundCall(std::move(self), eps, weight_offset, y_zero_point, threads, tensors);
            },
            nb::kw_only(), "eps"_a = 1e-5, "weight_offset"_a = 0.0f, "y_zero_point"_a = 0, "threads"_a = 0, "tensors"_a,
            nb::rv_policy::take_ownership,
            nb::sig("def bind(self, *, eps: float = 1e-5, weight_offset: float = 0.0, y_zero_point: int = 0, "
                    "threads: int = 0, **tensors: Array) -> Call"),
            "As run, but checked once, for calls that are repeated. The call keeps plan and arrays alive.");
    nb::class_<BoundCall>(module, "Call", "A run that was checked when it was bound. One thread at a time.")
        .def("run", &BoundCall::run, "rows"_a = nullptr, "Runs the first rows, or all that were bound.")
        .def("set_data", &BoundCall::set_data, "tensor"_a, "array"_a,
             "Another array for a tensor, of the same type, shape and strides.")
        .def_prop_ro("rows", &BoundCall::rows, "As many as x had when the call was bound.");
}

}  // namespace norma::python
