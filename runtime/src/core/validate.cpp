// SPDX-License-Identifier: MIT
// Nothing that a caller passes reaches a kernel unchecked. A message names the argument, its value and what was
// expected.
#include "errors.h"
#include "numbers.h"
#include "overlap.h"
#include "runtime/src/device/device.h"
#include "work.h"

namespace norma {
namespace {

using ll = long long;

constexpr int x_index = tensor_index(Role::x);

// One tensor of the call, and what the plan and x say that it should be.
struct Checked {
    const norma_plan &plan;
    const norma_tensor &x;
    const norma_tensor &tensor;
    int index;
    int outer_rank;  // dimensions that count rows
    bool has_inner;  // the last dimension is hidden, or the groups of it

    const TensorRole &role() const { return tensor_roles[index]; }
    TensorKind kind() const { return plan.kinds[index]; }
    int rank() const { return outer_rank + (has_inner ? 1 : 0); }
    // Other libraries keep a statistic's last dimension, with one element.
    bool may_have_one() const { return kind() == TensorKind::statistic && outer_rank == x.rank - 1; }
    bool has_one() const { return may_have_one() && tensor.rank == x.rank && tensor.shape[outer_rank] == 1; }
    int64_t inner() const { return plan.extents[index]; }
};

norma_status refuse_reach(int index) {
    return fail(NORMA_INVALID_ARGUMENT, "%s: its shape and strides reach beyond the address space",
                tensor_roles[index].name);
}

norma_status refuse(const Checked &c, const char *field, int64_t value, const char *expected) {
    return fail(NORMA_INVALID_ARGUMENT, "%s.%s is %lld; expected %s", c.role().name, field, ll{value}, expected);
}

norma_status refuse_given(const norma_plan &plan, const norma_arguments &arguments) {
    int index = 0;
    while (plan.absent_mask[index] == 0 ||
           (!tensor_of(arguments, index).data && tensor_of(arguments, index).dtype == NORMA_NONE)) {
        index++;
    }
    const char *why = "the plan has none";
    const uint32_t flags = plan.desc.flags;
    if (index == tensor_index(Role::mean) || index == tensor_index(Role::rstd)) {
        why = flags & NORMA_RECOMPUTE_STATISTICS ? "the plan was made with NORMA_RECOMPUTE_STATISTICS"
              : flags & NORMA_PARTIAL_STATISTICS ? "the plan was made with NORMA_PARTIAL_STATISTICS"
              : is_backward(plan.desc.op) || (flags & NORMA_SAVE_STATISTICS)
                  ? "rms_norm has none"
                  : "the plan was made without NORMA_SAVE_STATISTICS";
    }
    return fail(NORMA_INVALID_ARGUMENT, "%s is given; expected all zero, since %s", tensor_roles[index].name, why);
}

norma_status check_type_and_device(const Checked &c) {
    const norma_dtype expected = c.plan.dtypes[c.index];
    if (c.tensor.dtype != expected) {
        const char *name = dtype_name(c.tensor.dtype);
        return fail(NORMA_INVALID_ARGUMENT, "%s.dtype is %d (%s); expected %s, as the plan has", c.role().name,
                    static_cast<int>(c.tensor.dtype), name ? name : "unknown", dtype_name(expected));
    }
    const norma_device device = c.tensor.device, wanted = c.plan.desc.device;
    if ((device.type ? device.type : NORMA_CPU) != wanted.type) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.device.type is %d; expected %s, as the plan has", c.role().name,
                    static_cast<int>(device.type), c.plan.device->constant);
    }
    if (device.id != wanted.id) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.device.id is %d; expected %d, as the plan has", c.role().name,
                    device.id, wanted.id);
    }
    return NORMA_OK;
}

norma_status check_shape(const Checked &c) {
    const norma_tensor &tensor = c.tensor;
    if (c.index == x_index && (tensor.rank < 1 || tensor.rank > NORMA_MAX_RANK)) {
        return refuse(c, "rank", tensor.rank, "1 to 4");
    }
    if (tensor.rank != c.rank() && !c.has_one()) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.rank is %d; expected %d%s", c.role().name, tensor.rank, c.rank(),
                    c.kind() == TensorKind::activation ? ", as x has"
                    : c.may_have_one()                 ? ", one less than x, or as x with a last dimension of 1"
                                                       : "");
    }
    for (int d = 0; d < c.outer_rank; d++) {
        if (tensor.shape[d] < 0) {
            return fail(NORMA_INVALID_ARGUMENT, "%s.shape[%d] is %lld; expected 0 or more", c.role().name, d,
                        ll{tensor.shape[d]});
        }
        if (tensor.shape[d] != c.x.shape[d]) {
            return fail(NORMA_INVALID_ARGUMENT, "%s.shape[%d] is %lld; expected %lld, as x has", c.role().name, d,
                        ll{tensor.shape[d]}, ll{c.x.shape[d]});
        }
    }
    if (c.has_inner && tensor.shape[c.outer_rank] != c.inner()) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.shape[%d] is %lld; expected %s (%lld)", c.role().name, c.outer_rank,
                    ll{tensor.shape[c.outer_rank]}, c.kind() == TensorKind::groups ? "the groups of hidden" : "hidden",
                    ll{c.inner()});
    }
    return NORMA_OK;
}

// Fills in the bytes that the tensor covers. Strides of dimensions of one element do not matter.
norma_status check_strides(const Checked &c, int64_t *bytes) {
    const norma_tensor &tensor = c.tensor;
    const int inner = c.outer_rank;
    if (c.has_inner && tensor.strides[inner] != 1 && c.inner() > 1) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.strides[%d] is %lld; expected 1", c.role().name, inner,
                    ll{tensor.strides[inner]});
    }
    int64_t elements = c.inner();
    bool overflow = false;
    for (int d = 0; d < c.outer_rank; d++) {
        const int64_t stride = tensor.strides[d];
        int64_t length = 0;
        if (tensor.shape[d] <= 1) {
            continue;
        }
        if (stride < 0) {
            return fail(NORMA_INVALID_ARGUMENT, "%s.strides[%d] is %lld; expected 0 or more", c.role().name, d,
                        ll{stride});
        }
        overflow |= __builtin_mul_overflow(tensor.shape[d] - 1, stride, &length);
        overflow |= __builtin_add_overflow(elements, length, &elements);
    }
    overflow |= __builtin_mul_overflow(elements, int64_t{c.plan.sizes[c.index]}, bytes);
    return overflow ? refuse_reach(c.index) : NORMA_OK;
}

// From the smallest stride on, each dimension must step over all that lies inside it.
norma_status check_rows_apart(const Checked &c) {
    const norma_tensor &tensor = c.tensor;
    int64_t covered = c.inner();
    bool done[NORMA_MAX_RANK] = {};
    for (int step = 0; step < c.outer_rank; step++) {
        int next = -1;
        for (int d = c.outer_rank - 1; d >= 0; d--) {
            if (!done[d] && tensor.shape[d] > 1 && (next < 0 || tensor.strides[d] < tensor.strides[next])) {
                next = d;
            }
        }
        if (next < 0) {
            break;
        }
        if (tensor.strides[next] < covered) {
            const bool is_row = c.has_inner && covered == c.plan.hidden && c.kind() != TensorKind::groups;
            return fail(NORMA_INVALID_ARGUMENT, "%s.strides[%d] is %lld; expected at least %s%lld%s", c.role().name,
                        next, ll{tensor.strides[next]}, is_row ? "hidden (" : "", ll{covered}, is_row ? ")" : "");
        }
        done[next] = true;
        covered += (tensor.shape[next] - 1) * tensor.strides[next];
    }
    return NORMA_OK;
}

norma_status check_tensor(const Checked &c, bool empty, int64_t *bytes) {
    norma_status status = check_type_and_device(c);
    status = status ? status : check_shape(c);
    status = status ? status : check_strides(c, bytes);
    // Without rows, only gradients of parameters are written, and what has no rows may still not lie in them.
    if (status || (empty && !is_column_sum(c.index))) {
        *bytes = c.outer_rank == 0 ? *bytes : 0;
        return status;
    }
    status = check_data(c.plan, c.index, c.tensor.data, *bytes);
    return status || !c.plan.outputs[c.index] ? status : check_rows_apart(c);
}

norma_status check_apart(const norma_plan &plan, const norma_arguments &arguments, const Work &work, int output,
                         int other) {
    const norma_tensor &a = tensor_of(arguments, output), &b = tensor_of(arguments, other);
    struct InPlace {
        Role output, input;
        uint32_t flag;
        const char *flag_name;
    };
    static constexpr InPlace pairs[] = {
        {Role::y, Role::x, NORMA_Y_IN_PLACE, "NORMA_Y_IN_PLACE"},
        {Role::residual_out, Role::residual, NORMA_RESIDUAL_OUT_IN_PLACE, "NORMA_RESIDUAL_OUT_IN_PLACE"},
        {Role::dx, Role::d_residual, NORMA_DX_IN_PLACE, "NORMA_DX_IN_PLACE"},
    };
    const char *hint = "expected no output to overlap another tensor";
    const char *flag = "";
    for (const InPlace &pair : pairs) {
        if (tensor_index(pair.output) == output && tensor_index(pair.input) == other) {
            const bool same = same_tensor(a, b), allowed = plan.desc.flags & pair.flag;
            if (same && allowed) {
                return NORMA_OK;
            }
            hint = same      ? "in place, expected a plan with "
                   : allowed ? "in place, expected the same data, shape and strides"
                             : hint;
            flag = same ? pair.flag_name : "";
        }
    }
    if (interleaved(a, plan.sizes[output], b, plan.sizes[other])) {
        return NORMA_OK;
    }
    return fail(NORMA_INVALID_ARGUMENT, "%s.data is %p with %lld bytes and overlaps %s (%p, %lld bytes); %s%s",
                tensor_roles[output].name, a.data, ll{work.operands[output].bytes}, tensor_roles[other].name, b.data,
                ll{work.operands[other].bytes}, hint, flag);
}

// Without a dimension of rows: parameters, and a scale that is given as one number.
bool one_for_all(const norma_plan &plan, const norma_tensor &tensor, int index) {
    const bool scale = index == tensor_index(Role::x_scale) || index == tensor_index(Role::y_scale);
    return plan.kinds[index] == TensorKind::vector || (scale && !plan.outputs[index] && tensor.rank == 0);
}

norma_status check_scalars(const norma_plan &plan, const norma_arguments &arguments) {
    const int32_t largest = plan.desc.y == NORMA_U8 ? 255 : 0;
    if (arguments.y_zero_point < 0 || arguments.y_zero_point > largest) {
        return fail(NORMA_INVALID_ARGUMENT, "y_zero_point is %d; expected %s", arguments.y_zero_point,
                    largest ? "0 to 255" : "0, since y is not u8");
    }
    if (!is_positive_and_finite(arguments.eps) && !is_zero(arguments.eps)) {
        return refuse_number("eps", arguments.eps, "a finite number, 0 or more");
    }
    if (!is_finite(arguments.weight_offset)) {
        return refuse_number("weight_offset", arguments.weight_offset, "a finite number");
    }
    return NORMA_OK;
}

}  // namespace

norma_status count_rows(const norma_tensor &x, int64_t *rows) {
    *rows = 1;
    for (int d = 0; d + 1 < x.rank && d + 1 < NORMA_MAX_RANK; d++) {
        if (x.shape[d] == 0) {
            *rows = 0;
            return NORMA_OK;
        }
        if (x.shape[d] > 0 && __builtin_mul_overflow(*rows, x.shape[d], rows)) {
            return fail(NORMA_INVALID_ARGUMENT, "x.shape[%d] is %lld; expected fewer than 2^63 rows", d,
                        ll{x.shape[d]});
        }
    }
    return NORMA_OK;
}

norma_status check_data(const norma_plan &plan, int index, const void *data, int64_t bytes) {
    if (!data) {
        return fail(NORMA_INVALID_ARGUMENT, "%s.data is null; expected memory for its elements",
                    tensor_roles[index].name);
    }
    const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
    if ((begin & static_cast<uintptr_t>(plan.sizes[index] - 1)) != 0) {  // sizes are powers of two
        return fail(NORMA_INVALID_ARGUMENT, "%s.data is %p; expected a multiple of its element size (%d)",
                    tensor_roles[index].name, data, plan.sizes[index]);
    }
    return begin + static_cast<uintptr_t>(bytes) < begin ? refuse_reach(index) : NORMA_OK;
}

norma_status check_overlap(const norma_plan &plan, const norma_arguments &arguments, const Work &work) {
    auto span = [&](int i) { return Span{work.operands[i].data, work.operands[i].bytes}; };
    for (const int output : plan.written) {
        for (const int other : plan.present) {
            const bool looked_at = plan.outputs[other] && other >= output;
            if (!looked_at && intersect(span(output), span(other))) {
                const norma_status status = check_apart(plan, arguments, work, output, other);
                if (status != NORMA_OK) {
                    return status;
                }
            }
        }
    }
    return NORMA_OK;
}

norma_status validate(const norma_plan &plan, const norma_arguments *arguments, Work *work) {
    if (!arguments) {
        return fail(NORMA_INVALID_ARGUMENT, "arguments is null");
    }
    if (arguments->size < sizeof(norma_arguments)) {
        return fail(NORMA_INVALID_ARGUMENT, "arguments.size is %zu; expected sizeof(norma_arguments) (%zu)",
                    arguments->size, sizeof(norma_arguments));
    }
    norma_status status = check_scalars(plan, *arguments);
    status = status ? status : count_rows(arguments->x, &work->rows);
    if (status) {
        return status;
    }
    const norma_tensor &x = arguments->x;
    const int outer_rank = x.rank > 0 ? x.rank - 1 : 0;  // x comes first, and is refused where it has none
    work->levels = 1;
    work->extents[0] = 0;
    uintptr_t given = 0;  // without a branch for each: most tensors are absent
    for (int i = 0; i < tensor_role_count; i++) {
        const norma_tensor &tensor = tensor_of(*arguments, i);
        given |=
            (reinterpret_cast<uintptr_t>(tensor.data) | static_cast<uintptr_t>(tensor.dtype)) & plan.absent_mask[i];
    }
    if (given != 0) {
        return refuse_given(plan, *arguments);
    }
    for (const int i : plan.present) {
        const norma_tensor &tensor = tensor_of(*arguments, i);
        Work::Operand &operand = work->operands[i];
        operand.data = static_cast<char *>(tensor.data);
        operand.strides[0] = 0;
        status = check_tensor(
            {plan, x, tensor, i, one_for_all(plan, tensor, i) ? 0 : outer_rank, plan.kinds[i] != TensorKind::statistic},
            work->rows == 0, &operand.bytes);
        if (status) {
            return status;
        }
    }
    status = check_overlap(plan, *arguments, *work);
    if (!status && work->rows > 0) {
        fold(plan, *arguments, work);
    }
    return status;
}

}  // namespace norma
