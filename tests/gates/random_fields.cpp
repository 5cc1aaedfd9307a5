// SPDX-License-Identifier: MIT
#include "random_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/support/call.h"

namespace norma::test {
namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
constexpr int32_t most_32 = std::numeric_limits<int32_t>::max(), least_32 = std::numeric_limits<int32_t>::min();

// Around what was there, and where arithmetic ends.
int64_t other_number(Choices &c, int64_t number) {
    static constexpr int64_t ends[] = {
        0,
        1,
        2,
        3,
        -1,
        64,
        128,
        1 << 30,
        1LL << 31,
        1LL << 32,
        (1LL << 62) - 1,
        1LL << 62,
        most,
        most - 1,
        least,
        least + 1,
        most / 3,
        most / 4 + 1,
    };
    const uint64_t was = static_cast<uint64_t>(number);  // which wraps around
    const uint64_t near[] = {was + 1, was - 1, was * 2, 0 - was, was ^ uint64_t{1} << c.below(64)};
    return c.one_in(3) ? static_cast<int64_t>(c.of(near)) : c.of(ends);
}

int32_t other_number_32(Choices &c, int32_t number) {
    const int32_t numbers[] = {0, 1, 2, 3, 4, 5, 8, -1, 255, 256, 99, most_32, least_32};
    return c.one_in(8) ? static_cast<int32_t>(static_cast<uint32_t>(number) ^ 1U << c.below(32)) : c.of(numbers);
}

float other_float(Choices &c) {
    const float floats[] = {0, -0.0F, 1, -1, 1e-45F, 3e38F, -3e38F, std::nanf(""), INFINITY, -INFINITY};
    return c.of(floats);
}

size_t other_size(Choices &c, size_t size) {
    const size_t sizes[] = {0, 8, size - 8, size - 1, size + 8, size * 2, SIZE_MAX, size / 2 / 8 * 8};
    return c.of(sizes);
}

template <typename Enum>
void change_enum(Choices &c, Enum &value) {
    value = static_cast<Enum>(other_number_32(c, static_cast<int32_t>(value)));
}

void change_data(Choices &c, norma_tensor &tensor, const norma_arguments &arguments, char *begin, size_t bytes) {
    if (c.one_in(4)) {
        tensor.data = nullptr;
    } else if (c.one_in(2)) {
        tensor.data = begin + c.bits(3) % bytes;
    } else {  // at another tensor, or close to it
        char *other = static_cast<char *>((arguments.*roles[c.below(role_count)].tensor).data);
        char *at = other ? other + static_cast<int64_t>(c.below(256)) - 128 : begin;
        tensor.data = c.one_in(2) ? (other ? other : begin) : std::clamp(at, begin, begin + bytes - 1);
    }
}

void change_tensor(Choices &c, norma_arguments &arguments, char *begin, size_t bytes) {
    const int role = static_cast<int>(c.below(role_count));
    norma_tensor &tensor = arguments.*roles[role].tensor;
    const size_t d = c.below(NORMA_MAX_RANK);
    switch (c.below(8)) {
        case 0: tensor.strides[d] = other_number(c, tensor.strides[d]); break;
        case 1: tensor.shape[d] = other_number(c, tensor.shape[d]); break;
        case 2: tensor.rank = other_number_32(c, tensor.rank); break;
        case 3: change_enum(c, tensor.dtype); break;
        case 4: change_enum(c, tensor.device.type); break;
        case 5: tensor.device.id = other_number_32(c, tensor.device.id); break;
        case 6: tensor = arguments.*roles[c.below(role_count)].tensor; break;
        default: change_data(c, tensor, arguments, begin, bytes); break;
    }
}

void change_rows(Choices &c, norma_arguments &arguments) {
    const size_t d = c.below(NORMA_MAX_RANK);
    const int64_t rows = other_number(c, arguments.x.shape[d]);
    for (const Role &role : roles) {
        norma_tensor &tensor = arguments.*role.tensor;
        if (tensor.shape[d] == arguments.x.shape[d]) {
            tensor.shape[d] = rows;
        }
    }
}

void change_desc(Choices &c, norma_plan_desc &desc) {
    static const char *const names[] = {nullptr, "", "x86-64-v2", "x86-64-v3", "%s%n", "no such name"};
    norma_dtype *const dtypes[] = {&desc.x, &desc.y, &desc.y_float, &desc.weight, &desc.bias, &desc.residual};
    switch (c.below(10)) {
        case 0: desc.size = other_size(c, desc.size); break;
        case 1: change_enum(c, desc.op); break;
        case 2: change_enum(c, desc.contract); break;
        case 3: change_enum(c, desc.device.type); break;
        case 4: desc.device.id = other_number_32(c, desc.device.id); break;
        case 5: desc.hidden = other_number(c, desc.hidden); break;
        case 6: change_enum(c, desc.scale); break;
        case 7: desc.flags ^= 1U << c.below(32); break;
        case 8: (c.one_in(2) ? desc.target : desc.kernel) = c.of(names); break;
        default: change_enum(c, *c.of(dtypes)); break;
    }
}

int run_in_turn(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = 0; i < count; i++) {
        task(data, i);
    }
    return 0;
}

int run_backwards(void *, int64_t count, norma_task task, void *data) {
    while (count-- > 0) {
        task(data, count);
    }
    return 0;
}

int run_half(void *, int64_t count, norma_task task, void *data) { return run_in_turn(nullptr, count / 2, task, data); }

int run_and_fail(void *, int64_t count, norma_task task, void *data) {
    run_in_turn(nullptr, count, task, data);
    return 1;
}

void change_execution(Choices &c, norma_execution &execution) {
    static constexpr norma_parallel_for loops[] = {run_in_turn, run_backwards, run_half, run_and_fail};
    switch (c.below(6)) {
        case 0: execution.size = other_size(c, execution.size); break;
        case 1: execution.threads = other_number_32(c, execution.threads); break;
        case 2: change_enum(c, execution.store); break;
        case 3: execution.workspace = nullptr; break;
        case 4: execution.workspace_size = other_size(c, execution.workspace_size); break;
        default: execution.parallel_for = c.of(loops); break;
    }
}

}  // namespace

void change_a_field(Choices &c, CallFields &fields, char *begin, size_t bytes) {
    switch (c.below(16)) {
        case 0:
        case 1: change_desc(c, fields.desc); break;
        case 2:
        case 3: change_execution(c, fields.execution); break;
        case 4: fields.arguments.size = other_size(c, fields.arguments.size); break;
        case 5: fields.arguments.eps = other_float(c); break;
        case 6: fields.arguments.weight_offset = other_float(c); break;
        case 7: fields.arguments.y_zero_point = other_number_32(c, fields.arguments.y_zero_point); break;
        case 8: change_rows(c, fields.arguments); break;
        case 9:
            fields.no_desc = c.one_in(8);
            fields.no_arguments = c.one_in(8);
            fields.no_execution = c.one_in(2);
            break;
        default: change_tensor(c, fields.arguments, begin, bytes); break;
    }
}

}  // namespace norma::test
