// SPDX-License-Identifier: MIT
#include "run.h"

#include <map>
#include <string>

#include "errors.h"
#include "float32.h"
#include "runtime/vocabulary/fields.h"
#include "threads.h"

namespace norma::python {
namespace {

constexpr int64_t worth_the_gil = 16384;  // elements, some microseconds: giving it up and waiting for it costs as much

bool is_statistic(Role role) { return role == Role::mean || role == Role::rstd; }

bool is_wanted(const norma_plan_desc &desc, const Variant &variant, const TensorRole &role) {
    return role.dtype(variant) != NORMA_NONE && role.output(variant) &&
           (!is_statistic(role.role) || desc.flags & NORMA_SAVE_STATISTICS);
}

int64_t elements(const norma_tensor &tensor) {
    int64_t count = 1;
    for (int32_t d = 0; d < tensor.rank; d++) {
        count *= tensor.shape[d];
    }
    return count;
}

// Under the GIL. A plan that is in use outlives its place here.
std::shared_ptr<const norma::Plan> cached_plan(const norma_plan_desc &desc) {
    constexpr size_t most = 512;
    static std::map<std::string, std::shared_ptr<const norma::Plan>> plans;
    norma_plan_desc values = desc;
    values.target = nullptr;
    std::string key(reinterpret_cast<const char *>(&values), sizeof values);
    key += desc.target ? desc.target : "";
    const auto known = plans.find(key);
    if (known != plans.end()) {
        return known->second;
    }
    if (plans.size() >= most) {
        plans.clear();
    }
    return plans[key] = std::make_shared<const norma::Plan>(desc);
}

Variant variant_of_run(const norma_plan_desc &desc) {
    norma_plan_desc complete = desc;
    complete.y = desc.y ? desc.y : desc.x;
    return variant_of(complete);
}

}  // namespace

Run::Run(norma_op op, double eps) {
    desc.size = sizeof desc;
    desc.op = op;
    arguments.size = sizeof arguments;
    arguments.eps = as_float32("eps", eps);
    execution.size = sizeof execution;
}

void Run::give(Role role, nb::handle array) { arrays[tensor_index(role)] = array.is_none() ? nb::handle() : array; }

void Run::view_inputs() {
    Variant variant;  // what says which tensors are outputs
    variant.op = desc.op;
    variant.scale = desc.scale;
    for (int i = 0; i < tensor_role_count; i++) {
        const TensorRole &role = tensor_roles[i];
        const nb::handle array = arrays[i];
        if (!array) {
            continue;
        }
        const bool output = role.output(variant), scale = role.role == Role::x_scale || role.role == Role::y_scale;
        norma_tensor &tensor = tensor_of(arguments, i);
        if (scale && !output && (PyFloat_Check(array.ptr()) || PyLong_Check(array.ptr()))) {
            float &number = numbers[role.role == Role::y_scale];
            number = as_float32(role.name, nb::cast<double>(array));
            tensor = {&number, NORMA_F32, {NORMA_CPU, 0}, 0, {}, {}};
        } else {
            tensor = view(array, role.name, output, leases);
        }
    }
}

void Run::describe() {
    const norma_tensor &x = tensor(Role::x);
    if (x.rank < 1) {
        throw nb::value_error("x has 0 dimensions; expected 1 to 4");
    }
    const bool backward = is_backward(desc.op);
    desc.hidden = x.shape[x.rank - 1];
    desc.device = x.device;
    desc.x = x.dtype;
    desc.weight = tensor(Role::weight).dtype;
    desc.residual = tensor(backward ? Role::d_residual : Role::residual).dtype;
    const norma_dtype y = tensor(backward ? Role::dy : Role::y).dtype;
    desc.y = y ? y : desc.y;
    if (!backward) {
        desc.bias = tensor(Role::bias).dtype;
    } else if (wants_dbias) {
        desc.bias = desc.weight ? desc.weight : desc.x;
    }
}

void Run::make_outputs() {
    const norma_tensor &x = tensor(Role::x);
    const Variant variant = variant_of_run(desc);
    for (int i = 0; i < tensor_role_count; i++) {
        const TensorRole &role = tensor_roles[i];
        if (!is_wanted(desc, variant, role)) {
            continue;
        }
        wanted_ |= 1u << i;
        if (arrays[i]) {
            continue;
        }
        if (role.column_sum && desc.flags & NORMA_ACCUMULATE_GRADIENTS) {
            throw nb::value_error(
                (std::string(role.name) + " is None; expected an array to add to, as accumulate is True").c_str());
        }
        const bool is_f32 = role.column_sum && desc.flags & NORMA_F32_GRADIENTS;
        const norma_dtype dtype = is_f32 ? NORMA_F32 : role.dtype(variant);
        int32_t rank = x.rank;
        int64_t shape[NORMA_MAX_RANK];
        memcpy(shape, x.shape, sizeof shape);
        switch (role.kind(variant)) {
            case TensorKind::activation: break;
            case TensorKind::vector:
                rank = 1;
                shape[0] = desc.hidden;
                break;
            case TensorKind::statistic: rank--; break;
            case TensorKind::groups: shape[rank - 1] = desc.hidden / group_size(variant.scale); break;
        }
        made[i] = new_array(arrays[tensor_index(Role::x)], desc.device, dtype, rank, shape, &tensor_of(arguments, i));
    }
}

void Run::allow_in_place() {
    constexpr struct {
        Role output, input;
        uint32_t flag;
    } pairs[] = {{Role::y, Role::x, NORMA_Y_IN_PLACE},
                 {Role::residual_out, Role::residual, NORMA_RESIDUAL_OUT_IN_PLACE},
                 {Role::dx, Role::d_residual, NORMA_DX_IN_PLACE}};
    for (const auto &pair : pairs) {
        const norma_tensor &output = tensor(pair.output), &input = tensor(pair.input);
        if (output.data && output.data == input.data && output.dtype == input.dtype) {
            desc.flags |= pair.flag;
        }
    }
}

void Run::choose_threads() {
    use_threads(execution);
    if (desc.device.type == NORMA_CUDA) {
        execution.cuda_stream = stream_of(arrays[tensor_index(Role::x)], desc.device);
    }
}

// For what norma_run, which knows no allocator of the device, cannot run: from the arrays' library, which orders what
// it allocates with the work on its stream.
std::shared_ptr<const norma::Plan> Run::make_workspace() {
    const std::shared_ptr<const norma::Plan> plan = cached_plan(desc);
    const auto bytes = static_cast<int64_t>(plan->workspace_size(norma::rows(arguments)));
    if (bytes > 0) {
        norma_tensor tensor = {};
        workspace_ = new_array(arrays[tensor_index(Role::x)], desc.device, NORMA_U8, 1, &bytes, &tensor);
        execution.workspace = tensor.data;
        execution.workspace_size = static_cast<size_t>(bytes);
    }
    return plan;
}

void Run::operator()() {
    view_inputs();
    describe();
    make_outputs();
    allow_in_place();
    choose_threads();
    if (shard) {
        run_sharded(*shard, desc, arguments, execution);
        return;
    }
    norma_status status = NORMA_OK;
    if (desc.device.type == NORMA_CUDA && is_backward(desc.op)) {
        const std::shared_ptr<const norma::Plan> plan = make_workspace();
        status = norma_plan_run(plan->get(), &arguments, &execution);
    } else if (elements(tensor(Role::x)) < worth_the_gil) {
        status = norma_run(&desc, &arguments, &execution);
    } else {
        nb::gil_scoped_release released;
        status = norma_run(&desc, &arguments, &execution);
    }
    check(status);
}

nb::object Run::results() {
    const nb::handle x = arrays[tensor_index(Role::x)];
    nb::object all[tensor_role_count];
    size_t count = 0;
    for (int i = 0; i < tensor_role_count; i++) {
        if (wanted_ >> i & 1) {
            all[count++] = made[i] ? to_library_of(x, std::move(made[i])) : nb::borrow(arrays[i]);
        }
    }
    if (count == 1) {
        return all[0];
    }
    nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (size_t i = 0; i < count; i++) {
        PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), all[i].release().ptr());
    }
    return tuple;
}

}  // namespace norma::python
