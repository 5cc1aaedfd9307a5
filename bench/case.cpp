// SPDX-License-Identifier: MIT
#include "case.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <numeric>

#include "bench/device/device_memory.h"
#include "infos.h"
#include "memory.h"
#include "norma/norma.hpp"
#include "runtime/vocabulary/fields.h"
#include "runtime/vocabulary/tensors.h"

namespace norma::bench {
namespace {

constexpr float eps = 1e-5f;
constexpr int most_repeats = 2;  // of a timing in which the kernel disagrees with itself

// Of weight, bias and residual.
norma_dtype wide_type(const Case &c) { return is_float(c.x) ? c.x : NORMA_F32; }

// NORMA_NONE where a call has no such tensor.
norma_dtype dtype_of(const Case &c, const Variant &variant, const TensorRole &role) {
    const bool statistic = role.role == Role::mean || role.role == Role::rstd;
    return statistic && !is_backward(variant) && !c.save_stats ? NORMA_NONE : role.dtype(variant);
}

std::vector<int64_t> shape_of(const Case &c, const Variant &variant, const TensorRole &role) {
    if (role.role == Role::y_scale && c.scale == NORMA_SCALE_TENSOR) {
        return {};
    }
    switch (role.kind(variant)) {
        case TensorKind::activation: return {c.rows, c.hidden};
        case TensorKind::vector: return {c.hidden};
        case TensorKind::statistic: return {c.rows};
        case TensorKind::groups: return {c.rows, c.hidden / group_size(c.scale)};
    }
    return {};
}

int64_t elements_of(const std::vector<int64_t> &shape) {
    return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

int64_t row_stride(const Case &c, const Variant &variant, const TensorRole &role) {
    return c.row_stride != 0 && role.kind(variant) == TensorKind::activation ? c.row_stride : c.hidden;
}

// In memory; more than its elements where rows are apart.
int64_t extent_of(const Case &c, const Variant &variant, const TensorRole &role) {
    const bool apart = role.kind(variant) == TensorKind::activation;
    return apart ? c.rows * row_stride(c, variant, role) : elements_of(shape_of(c, variant, role));
}

norma_tensor contiguous(const Memory &memory, norma_dtype dtype, const std::vector<int64_t> &shape) {
    norma_tensor result = tensor(memory.data(), dtype, {});
    result.rank = static_cast<int32_t>(shape.size());
    int64_t stride = 1;
    for (int32_t d = result.rank - 1; d >= 0; d--) {
        result.shape[d] = shape[static_cast<size_t>(d)];
        result.strides[d] = stride;
        stride *= result.shape[d];
    }
    return result;
}

// By tensor_index.
struct Tensors {
    explicit Tensors(const Case &c) {
        const Variant variant = variant_of(c);
        for (int i = 0; i < tensor_role_count; i++) {
            if (const norma_dtype dtype = dtype_of(c, variant, tensor_roles[i]); dtype != NORMA_NONE) {
                memory[i] = random_tensor(dtype, extent_of(c, variant, tensor_roles[i]));
            }
        }
        if (c.scale == NORMA_SCALE_TENSOR) {  // a given scale is positive
            *static_cast<float *>(memory[tensor_index(Role::y_scale)].data()) = 0.03125f;
        }
    }
    void *data(Role role) const { return memory[tensor_index(role)].data(); }

    Memory memory[tensor_role_count];
};

norma_arguments make_arguments(const Case &c, const Tensors &t) {
    norma_arguments a = arguments(eps);
    const Variant variant = variant_of(c);
    for (int i = 0; i < tensor_role_count; i++) {
        if (const norma_dtype dtype = dtype_of(c, variant, tensor_roles[i]); dtype != NORMA_NONE) {
            norma_tensor &tensor = tensor_of(a, i);
            tensor = contiguous(t.memory[i], dtype, shape_of(c, variant, tensor_roles[i]));
            if (tensor_roles[i].kind(variant) == TensorKind::activation) {
                tensor.strides[0] = row_stride(c, variant, tensor_roles[i]);
            }
        }
    }
    a.y_zero_point = c.y == NORMA_U8 ? 128 : 0;
    return a;
}

// A backward reads x and dy and writes dx.
Streams make_streams(const Case &c, const Tensors &t) {
    const int x_size = dtype_size(c.x), y_size = dtype_size(c.y);
    if (is_backward(c.op)) {
        return {t.data(Role::x), t.data(Role::dy), t.data(Role::dx), nullptr, x_size, y_size, x_size};
    }
    return {t.data(Role::x), t.data(Role::residual),
            t.data(Role::y), t.data(Role::residual_out),
            x_size,          c.residual ? dtype_size(variant_of(c).residual) : 0,
            y_size};
}

Norm make_norm(const Case &c, const Tensors &t) {
    const bool row_scale = c.scale == NORMA_SCALE_ROW;
    return {c.op,
            c.x,
            t.data(Role::x),
            t.data(Role::weight),
            t.data(Role::bias),
            t.data(Role::y),
            c.hidden,
            eps,
            c.y,
            row_scale ? static_cast<float *>(t.data(Role::y_scale)) : nullptr};
}

std::optional<Backward> make_backward(const Case &c, const Tensors &t) {
    if (!is_backward(c.op)) {
        return std::nullopt;
    }
    return Backward{c.op,
                    c.x,
                    t.data(Role::x),
                    t.data(Role::dy),
                    t.data(Role::weight),
                    static_cast<const float *>(t.data(Role::mean)),
                    static_cast<const float *>(t.data(Role::rstd)),
                    t.data(Role::dx),
                    c.hidden};
}

// Yardsticks are of one type, or have a scale for each row; none has a residual or recomputes statistics.
bool has_yardstick(const Case &c) {
    return (c.x == c.y || c.scale == NORMA_SCALE_ROW) && !c.residual && !c.recompute && c.row_stride == 0 &&
           c.contract == NORMA_FP32_ONCE;
}

std::string target_name(const Case &c) {
    for (const norma_target_info &info : targets()) {
        if (c.target.empty() ? info.chosen != 0 && info.device == c.device : c.target == info.name) {
            return info.name;
        }
    }
    return c.target;
}

// The same arguments in memory of the device.
norma_arguments on_device(norma_arguments a, DeviceMemory &memory) {
    for (int i = 0; i < tensor_role_count; i++) {
        norma_tensor &tensor = tensor_of(a, i);
        int64_t bytes = dtype_size(tensor.dtype);
        for (int32_t d = 0; d < tensor.rank; d++) {
            bytes *= tensor.shape[d];
        }
        tensor = memory.input(tensor, static_cast<size_t>(bytes));
    }
    return a;
}

std::function<void()> caller(const Case &c, const Plan &plan, const norma_arguments &arguments,
                             const norma_execution &execution) {
    switch (c.call) {
        case CalledBy::bound: return [call = std::make_shared<Call>(plan.bind(arguments, execution))] { call->run(); };
        case CalledBy::run: return [=, desc = describe(c)] { check(norma_run(&desc, &arguments, &execution)); };
        case CalledBy::plan: break;
    }
    return [&plan, arguments, execution] { plan.run(arguments, execution); };
}

void keep(Result &result, Baseline::What what, const Timing &time) {
    switch (what) {
        case Baseline::copy: result.copy = time; break;
        case Baseline::stream_copy: result.stream_copy = time; break;
        case Baseline::empty: result.empty = time; break;
        case Baseline::yardstick:
            if (!result.yardstick || time.ns < result.yardstick->ns) {
                result.yardstick = time;
            }
            break;
    }
}

}  // namespace

Variant variant_of(const Case &c) {
    if (c.kernel) {
        return *c.kernel;
    }
    Variant variant;
    variant.op = c.op;
    variant.x = c.x;
    variant.y = c.y;
    variant.weight = wide_type(c);
    variant.bias = info_of(c.op).has_mean ? wide_type(c) : NORMA_NONE;
    variant.residual = c.residual ? wide_type(c) : NORMA_NONE;
    variant.scale = c.scale;
    variant.contract = c.contract;
    variant.statistics = c.recompute ? Statistics::recomputed : Statistics::saved;
    return variant;
}

norma_plan_desc describe(const Case &c) {
    const Variant variant = variant_of(c);
    norma_plan_desc desc = norma::describe(c.op, c.hidden, c.x, variant.weight, variant.bias);
    for (const Field &field : fields) {
        if (field.in_desc != absent) {
            set_value_at(&desc, field.in_desc, value_of(variant, field));
        }
    }
    desc.flags = (variant.statistics == Statistics::recomputed ? NORMA_RECOMPUTE_STATISTICS : 0) |
                 (c.accumulate ? NORMA_ACCUMULATE_GRADIENTS : 0) | (c.save_stats ? NORMA_SAVE_STATISTICS : 0);
    desc.target = c.target.empty() ? nullptr : c.target.c_str();
    desc.device = {c.device, 0};
    return desc;
}

double Result::ratio() const { return kernel_time.ns / (stream_copy ? std::min(copy.ns, stream_copy->ns) : copy.ns); }

double Result::yardstick_ratio() const { return yardstick ? kernel_time.ns / yardstick->ns : 0; }

int64_t bytes_moved(const Case &c) {
    const Variant variant = variant_of(c);
    int64_t bytes = 0;
    for (const TensorRole &role : tensor_roles) {
        if (const norma_dtype dtype = dtype_of(c, variant, role); dtype != NORMA_NONE) {
            bytes += elements_of(shape_of(c, variant, role)) * dtype_size(dtype);
        }
    }
    return bytes;
}

Result measure_case(const Case &c, Team &team, const Effort &effort) {
    const Plan plan(describe(c));
    const std::unique_ptr<Device> device = device_kind(c.device).open(0);
    const Tensors tensors(c);
    DeviceMemory memory({c.device, 0});
    const norma_arguments arguments = on_device(make_arguments(c, tensors), memory);
    norma_execution execution = norma::execution(team.size());
    execution.store = c.store;
    execution.workspace_size = plan.workspace_size(c.rows, team.size());
    execution.workspace = execution.workspace_size != 0 ? memory.allocate(execution.workspace_size) : nullptr;

    const std::vector<Baseline> baselines = device->baselines(
        {make_streams(c, tensors), make_norm(c, tensors), make_backward(c, tensors), c.rows, c.hidden, bytes_moved(c),
         c.yardstick && has_yardstick(c)},
        [&](size_t bytes) { return static_cast<uint64_t>(reinterpret_cast<uintptr_t>(memory.allocate(bytes))); }, team);
    std::vector<std::function<void()>> functions = {caller(c, plan, arguments, execution)};
    std::function<void()> stream_copy;
    for (const Baseline &baseline : baselines) {
        functions.push_back(baseline.run);
        stream_copy = baseline.what == Baseline::stream_copy ? baseline.run : stream_copy;
    }
    functions.push_back(functions.front());  // the control
    Effort wanted = effort;
    wanted.before_each = before_each(c.cache, stream_copy);
    std::vector<Timing> times = measure_on(*device, functions, wanted);
    for (int again = 0; again < most_repeats && !agree(times.front(), times.back()); again++) {
        times = measure_on(*device, functions, wanted);
    }

    Result result;
    result.kernel = plan.kernel();
    result.target = target_name(c);
    result.bytes = bytes_moved(c);
    result.kernel_time = times.front();
    result.control = times.back();
    for (size_t i = 0; i < baselines.size(); i++) {
        keep(result, baselines[i].what, times[i + 1]);
    }
    return result;
}

std::vector<Timing> measure_stores(const Case &c, Team &team, const Effort &effort) {
    const Plan plan(describe(c));
    const Tensors tensors(c);
    const norma_arguments arguments = make_arguments(c, tensors);
    std::vector<std::function<void()>> functions;
    for (const norma_store store : {NORMA_STORE_ORDINARY, NORMA_STORE_STREAMING}) {
        functions.emplace_back([&, store] {
            norma_execution execution = norma::execution(team.size());
            execution.store = store;
            plan.run(arguments, execution);
        });
    }
    return measure(functions, effort);
}

Tasks sample_tasks(const Case &c, const std::vector<int64_t> &grain_size, int threads, const Effort &effort) {
    const Tensors tensors(c);
    const norma_arguments arguments = make_arguments(c, tensors);
    norma_execution execution = norma::execution(threads);
    execution.store = c.store;
    std::deque<Plan> plans;
    for (int64_t elements : grain_size) {
        setenv("NORMA_GRAIN_SIZE", std::to_string(elements).c_str(), 1);
        plans.emplace_back(describe(c));
    }
    unsetenv("NORMA_GRAIN_SIZE");
    Workspace workspace;
    workspace.attach(plans.front().get(), c.rows, execution);
    std::vector<std::function<void()>> functions;
    for (const Plan &plan : plans) {
        functions.emplace_back([&] { plan.run(arguments, execution); });
    }
    return {plans.front().kernel(), target_name(c), sample(functions, effort)};
}

}  // namespace norma::bench
