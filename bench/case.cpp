// SPDX-License-Identifier: MIT
#include "case.h"

#include <algorithm>
#include <cstdlib>
#include <deque>

#include "copy.h"
#include "device_memory.h"
#include "gpu.h"
#include "memory.h"
#include "norma/norma.hpp"

namespace norma::bench {
namespace {

constexpr float eps = 1e-5f;

bool is_layer_norm(const Case &c) { return c.op == Op::layer_norm || c.op == Op::layer_norm_backward; }
bool has_bias(const Case &c) { return is_layer_norm(c); }

// Of weight, bias and residual.
norma_dtype wide_type(const Case &c) { return element_size(c.x) == 1 ? NORMA_F32 : c.x; }

int64_t scale_count(const Case &c) {
    switch (c.scale) {
        case NORMA_SCALE_NONE: return 0;
        case NORMA_SCALE_TENSOR: return 1;
        case NORMA_SCALE_ROW: return c.rows;
        default: return c.rows * (c.hidden / (int64_t{32} << (c.scale - NORMA_SCALE_GROUP_32)));
    }
}

// Tensors of a backward in the places of those of a forward: dy in that of residual, dx in that of y.
struct Tensors {
    explicit Tensors(const Case &c)
        : x(random_tensor(c.x, c.rows * c.hidden)),
          y(static_cast<size_t>(c.rows * c.hidden * element_size(is_backward(c.op) ? c.x : c.y))),
          weight(random_tensor(wide_type(c), c.hidden)),
          bias(random_tensor(wide_type(c), c.hidden)),
          x_scale(random_tensor(NORMA_F32, c.rows)),
          y_scale(random_tensor(NORMA_F32, scale_count(c))) {
        if (is_backward(c.op)) {
            residual = random_tensor(c.y, c.rows * c.hidden);
            mean = random_tensor(NORMA_F32, c.rows);
            rstd = random_tensor(NORMA_F32, c.rows);
            dweight = Memory(static_cast<size_t>(c.hidden * element_size(c.x)));
        } else if (c.residual) {
            residual = random_tensor(wide_type(c), c.rows * c.hidden);
            residual_out = Memory(static_cast<size_t>(c.rows * c.hidden * element_size(wide_type(c))));
        }
        if (c.scale == NORMA_SCALE_TENSOR) {  // a given scale is positive
            *static_cast<float *>(y_scale.data()) = 0.03125f;
        }
    }
    Memory x, y, weight, bias, x_scale, y_scale, residual, residual_out, mean, rstd, dweight;
};

Plan make_plan(const Case &c) {
    const norma_op forward = is_layer_norm(c) ? NORMA_LAYER_NORM_FORWARD : NORMA_RMS_NORM_FORWARD;
    const norma_op backward = is_layer_norm(c) ? NORMA_LAYER_NORM_BACKWARD : NORMA_RMS_NORM_BACKWARD;
    const norma_dtype wide = wide_type(c);
    norma_plan_desc desc =
        describe(is_backward(c.op) ? backward : forward, c.hidden, c.x, wide, has_bias(c) ? wide : NORMA_NONE);
    desc.y = c.y;
    desc.scale = c.scale;
    desc.residual = c.residual ? wide : NORMA_NONE;
    desc.flags = c.recompute ? NORMA_RECOMPUTE_STATISTICS : 0;
    desc.target = c.target.empty() ? nullptr : c.target.c_str();
    desc.device = {c.device, 0};
    return Plan(desc);
}

norma_tensor scale_tensor(const Case &c, const Memory &memory) {
    switch (c.scale) {
        case NORMA_SCALE_NONE: return {};
        case NORMA_SCALE_TENSOR: return tensor(memory.data(), NORMA_F32, {});
        case NORMA_SCALE_ROW: return tensor(memory.data(), NORMA_F32, {c.rows});
        default: return tensor(memory.data(), NORMA_F32, {c.rows, scale_count(c) / c.rows});
    }
}

norma_arguments make_arguments(const Case &c, const Tensors &t) {
    norma_arguments a = arguments(eps);
    const norma_dtype wide = wide_type(c);
    const auto activation = [&](const Memory &memory, norma_dtype dtype) {
        return tensor(memory.data(), dtype, {c.rows, c.hidden});
    };
    a.x = activation(t.x, c.x);
    a.weight = tensor(t.weight.data(), wide, {c.hidden});
    if (is_backward(c.op)) {
        a.dy = activation(t.residual, c.y);
        a.dx = activation(t.y, c.x);
        a.dweight = tensor(t.dweight.data(), c.x, {c.hidden});
        if (has_bias(c)) {
            a.dbias = tensor(t.bias.data(), c.x, {c.hidden});
        }
        if (!c.recompute) {
            a.rstd = tensor(t.rstd.data(), NORMA_F32, {c.rows});
            a.mean = is_layer_norm(c) ? tensor(t.mean.data(), NORMA_F32, {c.rows}) : norma_tensor{};
        }
        return a;
    }
    a.y = activation(t.y, c.y);
    a.y_scale = scale_tensor(c, t.y_scale);
    if (element_size(c.x) == 1) {
        a.x_scale = tensor(t.x_scale.data(), NORMA_F32, {c.rows});
    }
    if (has_bias(c)) {
        a.bias = tensor(t.bias.data(), wide, {c.hidden});
    }
    if (c.residual) {
        a.residual = activation(t.residual, wide);
        a.residual_out = activation(t.residual_out, wide);
    }
    return a;
}

Streams make_streams(const Case &c, const Tensors &t) {
    const int x_size = static_cast<int>(element_size(c.x)), y_size = static_cast<int>(element_size(c.y));
    const bool backward = is_backward(c.op);
    return {t.x.data(),
            t.residual.data(),
            t.y.data(),
            t.residual_out.data(),
            x_size,
            backward     ? y_size
            : c.residual ? static_cast<int>(element_size(wide_type(c)))
                         : 0,
            backward ? x_size : y_size};
}

Norm make_norm(const Case &c, const Tensors &t) {
    auto floats = [](const Memory &memory) { return static_cast<float *>(memory.data()); };
    return {floats(t.x), floats(t.weight), has_bias(c) ? floats(t.bias) : nullptr, floats(t.y), c.hidden, eps};
}

std::string target_name(const Case &c) {
    for (int32_t i = 0; i < norma_target_count(); i++) {
        norma_target_info info = {};
        info.size = sizeof(info);
        check(norma_get_target_info(i, &info));
        if (c.target.empty() ? info.chosen != 0 && info.device == c.device : c.target == info.name) {
            return info.name;
        }
    }
    return c.target;
}

// The same arguments in memory of the device.
norma_arguments on_device(norma_arguments a, DeviceMemory &memory) {
    for (norma_tensor norma_arguments::*member :
         {&norma_arguments::x, &norma_arguments::y, &norma_arguments::weight, &norma_arguments::bias,
          &norma_arguments::residual, &norma_arguments::residual_out, &norma_arguments::mean, &norma_arguments::rstd,
          &norma_arguments::dy, &norma_arguments::dx, &norma_arguments::dweight, &norma_arguments::dbias,
          &norma_arguments::x_scale, &norma_arguments::y_scale}) {
        norma_tensor &tensor = a.*member;
        int64_t bytes = element_size(tensor.dtype);
        for (int32_t i = 0; i < tensor.rank; i++) {
            bytes *= tensor.shape[i];
        }
        tensor = memory.input(tensor, static_cast<size_t>(bytes));
    }
    return a;
}

Result measure_on_gpu(const Case &c, const Effort &effort) {
    const Plan plan = make_plan(c);
    Gpu gpu(0);
    DeviceMemory memory({NORMA_CUDA, 0});
    const norma_arguments arguments = on_device(make_arguments(c, Tensors(c)), memory);
    norma_execution execution = norma::execution();
    execution.workspace_size = plan.workspace_size(c.rows);
    execution.workspace = execution.workspace_size != 0 ? memory.allocate(execution.workspace_size) : nullptr;
    const size_t half = static_cast<size_t>(bytes_moved(c) / 2);
    const auto address = [&] { return static_cast<uint64_t>(reinterpret_cast<uintptr_t>(memory.allocate(half))); };
    const uint64_t from = address(), to = address();

    const std::vector<Timing> times = measure_on(
        gpu, {[&] { plan.run(arguments, execution); }, [&] { gpu.copy(to, from, half); }, empty_kernel(gpu)}, effort);
    Result result;
    result.kernel = plan.kernel();
    result.target = target_name(c);
    result.bytes = bytes_moved(c);
    result.kernel_time = times[0];
    result.copy = times[1];
    result.empty = times[2];
    return result;
}

}  // namespace

double Result::ratio() const { return kernel_time.ns / (stream_copy ? std::min(copy.ns, stream_copy->ns) : copy.ns); }

double Result::yardstick_ratio() const { return yardstick ? kernel_time.ns / yardstick->ns : 0; }

bool is_backward(Op op) { return op == Op::layer_norm_backward || op == Op::rms_norm_backward; }

int64_t bytes_moved(const Case &c) {
    const int64_t x = element_size(c.x), y = element_size(c.y), vectors = has_bias(c) ? 2 : 1;
    if (is_backward(c.op)) {
        const int64_t statistics = c.recompute ? 0 : c.rows * element_size(NORMA_F32) * vectors;
        return c.rows * c.hidden * (2 * x + y) + statistics + c.hidden * x * (1 + vectors);
    }
    const int64_t wide = element_size(wide_type(c)), activations = x + y + (c.residual ? 2 * wide : 0);
    const int64_t scales = scale_count(c) + (x == 1 ? c.rows : 0);
    return c.rows * c.hidden * activations + scales * element_size(NORMA_F32) + c.hidden * wide * vectors;
}

int64_t bytes_allocated(const Case &c) {
    return bytes_moved(c) + c.hidden * element_size(wide_type(c)) + c.rows * element_size(NORMA_F32);
}

Result measure_case(const Case &c, Team &team, const Effort &effort) {
    if (c.device == NORMA_CUDA) {
        return measure_on_gpu(c, effort);
    }
    const Plan plan = make_plan(c);
    const Tensors tensors(c);
    const Loops &loops = **runnable_loops();
    const norma_arguments arguments = make_arguments(c, tensors);
    const Streams streams = make_streams(c, tensors);
    const Norm norm = make_norm(c, tensors);
    norma_execution execution = norma::execution(team.size());
    execution.store = c.store;
    Workspace workspace;
    workspace.attach(plan.get(), c.rows, execution);

    std::vector<std::function<void()>> functions = {[&] { plan.run(arguments, execution); }};
    for (const Store store : {Store::ordinary, Store::streaming}) {
        functions.emplace_back([&, store] { copy(loops, streams, c.rows * c.hidden, store, team); });
    }
    if (c.yardstick && c.x == NORMA_F32 && c.y == NORMA_F32 && !c.residual && !is_backward(c.op) && loops.rms_norm) {
        for (const Store store : {Store::ordinary, Store::streaming}) {
            functions.emplace_back([&, store] { yardstick(loops, c.op, norm, c.rows, store, team); });
        }
    }
    const std::vector<Timing> times = measure(functions, effort);

    Result result;
    result.kernel = plan.kernel();
    result.target = target_name(c);
    result.bytes = bytes_moved(c);
    result.kernel_time = times[0];
    result.copy = times[1];
    result.stream_copy = times[2];
    if (times.size() > 3) {
        result.yardstick = times[3].ns < times[4].ns ? times[3] : times[4];
    }
    return result;
}

Tasks sample_tasks(const Case &c, const std::vector<int64_t> &grain_size, int threads, const Effort &effort) {
    const Tensors tensors(c);
    const norma_arguments arguments = make_arguments(c, tensors);
    norma_execution execution = norma::execution(threads);
    execution.store = c.store;
    std::deque<Plan> plans;
    for (int64_t elements : grain_size) {
        setenv("NORMA_GRAIN_SIZE", std::to_string(elements).c_str(), 1);
        plans.push_back(make_plan(c));
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
