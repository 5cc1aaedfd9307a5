// SPDX-License-Identifier: MIT
#include "call.h"

#include <memory>
#include <sstream>

#include "cuda_device.h"
#include "guarded.h"

namespace norma::test {
namespace {

constexpr unsigned char canary = 0xc5;
constexpr size_t arena_bytes = size_t{64} << 20;

struct Arena {
    GuardedMemory memory{arena_bytes};

    Arena() {
        if (device_under_test() == NORMA_CUDA) {
            share_with_cuda(memory.front(0), arena_bytes);
        }
    }
    ~Arena() {
        if (device_under_test() == NORMA_CUDA) {
            unshare_with_cuda(memory.front(0));
        }
    }
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;
};

// Memory is used again by the next call of the same thread.
const GuardedMemory &arena(int index) {
    thread_local std::vector<std::unique_ptr<Arena>> arenas(role_count + 1);
    auto &arena = arenas[static_cast<size_t>(index)];
    if (!arena) {
        arena = std::make_unique<Arena>();
    }
    return arena->memory;
}

norma_dtype dtype_of(const CallSpec &spec, int role) {
    const norma_kernel_info &k = spec.kernel;
    const bool recompute = k.flags & NORMA_RECOMPUTE_STATISTICS;
    const norma_dtype rstd = (spec.backward() ? !recompute : spec.save_statistics) ? NORMA_F32 : NORMA_NONE;
    const norma_dtype mean = spec.is_layer_norm() ? rstd : NORMA_NONE;
    if (role == role_first_moment || role == role_second_moment) {
        const bool has = (spec.partial() || spec.merged()) && (role == role_second_moment || spec.is_layer_norm());
        return has ? NORMA_F64 : NORMA_NONE;
    }
    if (spec.partial() &&
        (role == role_y || role == role_residual_out || role == role_dx || roles[role].kind == Role::vector)) {
        return role == role_weight ? k.weight : NORMA_NONE;
    }
    auto gradient = [&](norma_dtype dtype) { return dtype && spec.f32_gradients ? NORMA_F32 : dtype; };
    const norma_dtype x_scale = k.x == NORMA_I8 || k.x == NORMA_I32 ? NORMA_F32 : NORMA_NONE;
    const norma_dtype column_scale = k.x == NORMA_I32 ? NORMA_F32 : NORMA_NONE;
    const norma_dtype y_scale = k.scale != NORMA_SCALE_NONE ? NORMA_F32 : NORMA_NONE;
    const norma_dtype forward[role_count] = {k.x,        k.weight, k.bias,     k.residual, k.y,         k.residual,
                                             mean,       rstd,     NORMA_NONE, NORMA_NONE, NORMA_NONE,  NORMA_NONE,
                                             NORMA_NONE, x_scale,  y_scale,    k.y_float,  column_scale};
    const norma_dtype backward[role_count] = {
        k.x,  k.weight, NORMA_NONE, NORMA_NONE, NORMA_NONE,         NORMA_NONE,      mean,
        rstd, k.y,      k.residual, k.x,        gradient(k.weight), gradient(k.bias)};
    return spec.backward() ? backward[role] : forward[role];
}

size_t size_of(norma_dtype dtype) {
    return dtype == NORMA_F64                          ? 8
           : dtype == NORMA_F32 || dtype == NORMA_I32  ? 4
           : dtype == NORMA_F16 || dtype == NORMA_BF16 ? 2
                                                       : 1;
}

template <typename T>
void store_as(char *data, const reference::Values &values) {
    for (size_t i = 0; i < values.size(); i++) {
        const T element = static_cast<T>(static_cast<float>(values[i]));
        std::memcpy(data + i * sizeof(T), &element, sizeof(T));
    }
}

// Multiples of a 40th, so that ordinary rows fill the range.
void store_i8(char *data, const reference::Values &values) {
    for (size_t i = 0; i < values.size(); i++) {
        const double steps = std::isfinite(values[i]) ? std::round(values[i] * 40) : 0;
        data[i] = static_cast<char>(static_cast<int8_t>(std::max(-127.0, std::min(127.0, steps))));
    }
}

// Ordinary rows reach beyond 2^24, where fp32 has to round.
void store_i32(char *data, const reference::Values &values) {
    for (size_t i = 0; i < values.size(); i++) {
        const double steps = std::isfinite(values[i]) ? std::round(values[i] * 1e7) : 0;
        const int32_t element = static_cast<int32_t>(std::max(-0x1p31, std::min(0x1p31 - 1, steps)));
        std::memcpy(data + i * sizeof element, &element, sizeof element);
    }
}

void store(norma_dtype dtype, char *data, const reference::Values &values) {
    switch (dtype) {
        case NORMA_F16: return store_as<Eigen::half>(data, values);
        case NORMA_BF16: return store_as<Eigen::bfloat16>(data, values);
        case NORMA_I8: return store_i8(data, values);
        case NORMA_I32: return store_i32(data, values);
        case NORMA_F64: std::memcpy(data, values.data(), values.size() * sizeof values[0]); return;
        default: return store_as<float>(data, values);
    }
}

double sample_of_vector(const CallSpec &spec, int role, int64_t d) {
    const double sample = normal_sample(mix(static_cast<uint64_t>(role), 77) + static_cast<uint64_t>(d));
    if (role == role_x_column_scale) {
        return 0.75 + 0.25 * std::tanh(sample);  // positive
    }
    return role == role_bias ? 0.2 * sample : 1 - static_cast<double>(spec.weight_offset) + 0.3 * sample;
}

// Rows of the second summand must not push the sum out of the type's range.
RowKind kind_of(const CallSpec &spec, int role) {
    const bool plain = role == role_residual &&
                       (is_near_limit(spec.kind) || spec.kind == RowKind::nan || spec.kind == RowKind::infinity);
    return role == role_dy ? spec.dy_kind : plain || role == role_d_residual ? RowKind::normal : spec.kind;
}

}  // namespace

int64_t CallSpec::rows() const {
    int64_t rows = 1;
    for (int64_t extent : outer) {
        rows *= extent;
    }
    return rows;
}

bool CallSpec::backward() const {
    return kernel.op == NORMA_LAYER_NORM_BACKWARD || kernel.op == NORMA_RMS_NORM_BACKWARD;
}

bool CallSpec::is_layer_norm() const {
    return kernel.op == NORMA_LAYER_NORM_FORWARD || kernel.op == NORMA_LAYER_NORM_BACKWARD;
}

bool CallSpec::partial() const { return kernel.flags & NORMA_PARTIAL_STATISTICS; }

bool CallSpec::merged() const { return kernel.flags & NORMA_MERGED_STATISTICS; }

bool CallSpec::is_output(int role) const {
    if (role == role_first_moment || role == role_second_moment) {
        return partial();
    }
    const bool given = (backward() && roles[role].kind == Role::statistic) ||
                       (role == role_y_scale && kernel.scale == NORMA_SCALE_TENSOR);
    return roles[role].output && !given;
}

int64_t CallSpec::group() const {
    return kernel.scale >= NORMA_SCALE_GROUP_32 ? int64_t{32} << (kernel.scale - NORMA_SCALE_GROUP_32) : 0;
}

Role::Kind CallSpec::role_kind(int role) const {
    const bool number =
        (role == role_x_scale && one_x_scale) || (role == role_y_scale && kernel.scale == NORMA_SCALE_TENSOR);
    return number ? Role::number : role == role_y_scale && group() != 0 ? Role::groups : roles[role].kind;
}

int64_t CallSpec::elements(int role) const {
    switch (role_kind(role)) {
        case Role::statistic:
        case Role::number: return 1;
        case Role::groups: return hidden / group();
        default: return hidden;
    }
}

std::string CallSpec::text() const {
    std::ostringstream out;
    out << label(kernel) << " [";
    for (int64_t extent : outer) {
        out << extent << ", ";
    }
    out << hidden << "] " << name(kind) << " rows, eps " << eps << ", weight_offset " << weight_offset << ", paddings "
        << row_padding << " and " << outer_padding << ", offset " << offset << ", store " << store << ", threads "
        << threads << (save_statistics ? ", statistics" : "") << (y_in_place ? ", y in place" : "")
        << (residual_out_in_place ? ", residual_out in place" : "") << (dx_in_place ? ", dx in place" : "")
        << (f32_gradients ? ", f32 gradients" : "") << (accumulate ? ", accumulated" : "")
        << (one_x_scale ? ", one x_scale" : "");
    return out.str();
}

bool has_result(const CallSpec &spec) {
    const bool largest = spec.kind == RowKind::lowest || spec.kind == RowKind::opposite;
    return !largest || spec.kernel.scale != NORMA_SCALE_ROW || spec.kernel.op != NORMA_RMS_NORM_FORWARD;
}

norma_plan_desc describe(const CallSpec &spec) {
    const norma_kernel_info &k = spec.kernel;
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = k.op;
    desc.contract = k.contract;
    desc.device.type = k.device;
    desc.hidden = spec.hidden;
    desc.x = k.x;
    desc.y = k.y;
    desc.weight = k.weight;
    desc.bias = k.bias;
    desc.residual = k.residual;
    desc.y_float = k.y_float;
    desc.scale = k.scale;
    const uint32_t forward = (spec.save_statistics ? NORMA_SAVE_STATISTICS : 0) |
                             (spec.y_in_place ? NORMA_Y_IN_PLACE : 0) |
                             (spec.residual_out_in_place ? NORMA_RESIDUAL_OUT_IN_PLACE : 0);
    const uint32_t backward = (spec.f32_gradients ? NORMA_F32_GRADIENTS : 0) |
                              (spec.dx_in_place ? NORMA_DX_IN_PLACE : 0) |
                              (spec.accumulate ? NORMA_ACCUMULATE_GRADIENTS : 0);
    desc.flags = k.flags | (spec.backward() ? backward : forward);
    desc.target = k.target;
    desc.kernel = k.name;
    return desc;
}

namespace {

CallSpec without_other_options(CallSpec spec) {
    if (spec.partial()) {
        spec.save_statistics = spec.y_in_place = spec.residual_out_in_place = spec.dx_in_place = spec.f32_gradients =
            spec.accumulate = false;
    }
    return spec;
}

}  // namespace

Call::Call(const CallSpec &given) : spec(without_other_options(given)), desc(describe(spec)) {
    arguments.size = sizeof(arguments);
    arguments.eps = spec.eps;
    arguments.weight_offset = spec.weight_offset;
    arguments.y_zero_point = spec.kernel.y == NORMA_U8 ? spec.zero_point : 0;
    execution.size = sizeof(execution);
    execution.threads = spec.threads;
    execution.store = spec.store;
    for (int role = 0; role < role_count; role++) {
        if (dtype_of(spec, role) != NORMA_NONE) {
            place(role);
            fill(role);
        }
    }
    if (spec.merged()) {
        fill_moments();
    }
    if (spec.y_in_place && !spec.backward()) {
        arguments.y = arguments.x;
    }
    if (spec.residual_out_in_place && !spec.backward()) {
        arguments.residual_out = arguments.residual;
    }
    if (spec.dx_in_place) {
        arguments.dx = arguments.d_residual;
    }
}

void Call::place(int role) {
    norma_tensor &tensor = arguments.*roles[role].tensor;
    tensor.dtype = dtype_of(spec, role);
    tensor.device.type = spec.kernel.device;
    const Role::Kind kind = spec.role_kind(role);
    const bool has_rows = kind != Role::vector && kind != Role::number;
    const std::vector<int64_t> outer = has_rows ? spec.outer : std::vector<int64_t>{};
    tensor.rank = static_cast<int32_t>(outer.size());
    int64_t stride = 1, reach = 1;
    if (kind != Role::statistic && kind != Role::number) {
        tensor.shape[tensor.rank] = spec.elements(role);
        tensor.strides[tensor.rank] = 1;
        stride = spec.elements(role);
        reach = spec.elements(role);
        tensor.rank++;
    }
    stride += spec.row_padding;
    for (int d = static_cast<int>(outer.size()) - 1; d >= 0; d--) {
        tensor.shape[d] = outer[static_cast<size_t>(d)];
        tensor.strides[d] = stride;
        reach += tensor.shape[d] > 0 ? (tensor.shape[d] - 1) * stride : 0;
        stride = stride * std::max<int64_t>(tensor.shape[d], 1) + spec.outer_padding;
    }
    // The element before and those after hold padding too, where they do not lie beyond the guard.
    const bool front = spec.offset >= 0;
    const int64_t before = front ? spec.offset : 3, after = front ? 64 : 0;
    Memory &memory = memory_[role];
    memory.bytes = static_cast<size_t>(before + reach + after) * size_of(tensor.dtype);
    memory.begin = front ? arena(role).front(memory.bytes) : arena(role).back(memory.bytes);
    tensor.data = memory.begin + static_cast<size_t>(before) * size_of(tensor.dtype);
}

void Call::fill(int role) {
    const norma_tensor &tensor = this->tensor(role);
    const bool output = spec.is_output(role);
    std::memset(memory_[role].begin, output ? canary : 0xff, memory_[role].bytes);  // 0xff..: NaN in all types
    if (!output && (role == role_x_scale || role == role_y_scale)) {
        fill_scale(role);
    } else if (!output && (role == role_mean || role == role_rstd)) {
        fill_statistics(role);
    } else if ((!output || spec.accumulate) && roles[role].kind == Role::vector) {
        reference::Values values(static_cast<size_t>(spec.hidden));
        for (size_t d = 0; d < values.size(); d++) {
            values[d] = sample_of_vector(spec, role, static_cast<int64_t>(d));
        }
        store(tensor.dtype, static_cast<char *>(tensor.data), values);
    } else if (!output && roles[role].kind == Role::activation) {
        for (int64_t row = 0; row < spec.rows(); row++) {
            const int64_t id = spec.row_ids.empty() ? row : spec.row_ids[static_cast<size_t>(row)];
            store(tensor.dtype, row_data(role, row),
                  row_values(kind_of(spec, role), tensor.dtype, spec.hidden, id, role));
        }
    }
    memory_[role].before_run.assign(memory_[role].begin, memory_[role].bytes);
}

// What a forward would have saved: the float64 statistics of x, rounded.
void Call::fill_statistics(int role) {
    reference::Options options;
    options.eps = static_cast<double>(spec.eps);
    for (int64_t row = 0; row < spec.rows(); row++) {
        const reference::Values x = original_row(role_x, row);
        const reference::Row saved =
            spec.is_layer_norm() ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
        store(NORMA_F32, row_data(role, row), {role == role_mean ? saved.mean : saved.rstd});
    }
}

void Call::fill_scale(int role) {
    const bool number = spec.role_kind(role) == Role::number;
    for (int64_t row = 0; row < (number ? 1 : spec.rows()); row++) {
        const int64_t id = spec.row_ids.empty() || number ? row : spec.row_ids[static_cast<size_t>(row)];
        store(NORMA_F32, row_data(role, row), {0.02 + 0.01 * static_cast<double>((id + 7) % 5)});
    }
}

char *Call::row_data(int role, int64_t row) const {
    const norma_tensor &tensor = this->tensor(role);
    if (spec.role_kind(role) == Role::number) {
        return static_cast<char *>(tensor.data);
    }
    int64_t offset = 0;
    for (int d = static_cast<int>(spec.outer.size()) - 1; d >= 0; d--) {
        offset += row % tensor.shape[d] * tensor.strides[d];
        row /= tensor.shape[d];
    }
    return static_cast<char *>(tensor.data) + offset * static_cast<int64_t>(size_of(tensor.dtype));
}

void Call::take(int role, const Call &other, int other_role) {
    for (int64_t row = 0; row < spec.rows(); row++) {
        const std::string bytes = other.row_bytes(other_role, row);
        std::memcpy(row_data(role, row), bytes.data(), bytes.size());
    }
    memory_[role].before_run.assign(memory_[role].begin, memory_[role].bytes);
}

void Call::restore() {
    for (const Memory &memory : memory_) {
        memory.before_run.copy(memory.begin, memory.bytes);
    }
}

bool Call::untouched() const {
    for (const Memory &memory : memory_) {
        if (memory.before_run.compare(0, std::string::npos, memory.begin, memory.bytes) != 0) {
            return false;
        }
    }
    return true;
}

void Call::run() {
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&desc, &plan), spec.text());
    std::unique_ptr<norma_plan, void (*)(norma_plan *)> owner(plan, norma_plan_destroy);
    run(plan);
}

void Call::give_workspace(size_t bytes) {
    execution.workspace = arena(role_count).back((bytes + 63) / 64 * 64);
    execution.workspace_size = bytes;
}

void Call::run(const norma_plan *plan) {
    size_t needed = 0;
    require_ok(norma_plan_workspace_size(plan, spec.rows(), spec.threads, &needed), spec.text());
    give_workspace(needed);
    require_ok(norma_plan_run(plan, &arguments, &execution), spec.text());
    if (desc.device.type == NORMA_CUDA) {
        wait_for_cuda();
    }
    if (spec.rows() > 0) {
        record_run(spec.kernel.target, norma_plan_kernel(plan));
    }
}

std::string Call::row_bytes(int role, int64_t row) const {
    const norma_tensor &tensor = this->tensor(role);
    if (tensor.dtype == NORMA_NONE || roles[role].kind == Role::vector) {
        return "";
    }
    return {row_data(role, row), static_cast<size_t>(spec.elements(role)) * size_of(tensor.dtype)};
}

std::string Call::bytes(int role) const {
    const norma_tensor &tensor = this->tensor(role);
    if (tensor.dtype != NORMA_NONE && roles[role].kind == Role::vector) {
        return {static_cast<char *>(tensor.data), static_cast<size_t>(spec.hidden) * size_of(tensor.dtype)};
    }
    std::string all;
    for (int64_t row = 0; row < spec.rows(); row++) {
        all += row_bytes(role, row);
    }
    return all;
}

}  // namespace norma::test
