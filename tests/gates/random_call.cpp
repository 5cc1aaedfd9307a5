// SPDX-License-Identifier: MIT
#include "random_call.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "random_fields.h"
#include "tests/support/call.h"
#include "tests/support/guarded.h"

namespace norma::test {
namespace {

constexpr size_t arena_bytes = size_t{1} << 17, workspace_bytes = size_t{1} << 21;
constexpr int64_t largest_hidden = 160;

size_t element_bytes(norma_dtype dtype) {
    switch (dtype) {
        case NORMA_F64: return 8;
        case NORMA_F32:
        case NORMA_I32: return 4;
        case NORMA_F16:
        case NORMA_BF16: return 2;
        case NORMA_I8:
        case NORMA_U8:
        case NORMA_F8_E4M3:
        case NORMA_F8_E5M2: return 1;
        default: return 0;
    }
}

// One arena for all tensors, and where each lies in it.
class Arena {
public:
    char *begin() const { return memory_.front(arena_bytes); }
    bool holds(const char *data, __int128 bytes) const {
        return data >= begin() && data <= begin() + arena_bytes && bytes <= begin() + arena_bytes - data;
    }
    void fill() { std::memset(begin(), 0xc5, arena_bytes); }
    void remember() { before_.assign(begin(), arena_bytes); }
    bool same() const { return std::memcmp(begin(), before_.data(), arena_bytes) == 0; }
    bool same_but(const std::vector<bool> &written) const {
        for (size_t i = 0; i < arena_bytes; i++) {
            if (begin()[i] != before_[i] && !written[i]) {
                return false;
            }
        }
        return true;
    }

private:
    GuardedMemory memory_{arena_bytes};
    std::string before_;
};

// The bytes that it covers: -1 where no call may accept it, -2 where only a call that does not look at it may.
__int128 covered(const norma_tensor &tensor) {
    const size_t element = element_bytes(tensor.dtype);
    if (tensor.rank < 0 || tensor.rank > NORMA_MAX_RANK || element == 0) {
        return -1;
    }
    __int128 elements = 1;
    for (int d = 0; d < tensor.rank; d++) {
        if (tensor.shape[d] < 0 || (tensor.shape[d] > 1 && tensor.strides[d] < 0)) {
            return -1;
        }
        if (tensor.shape[d] == 0) {
            return 0;
        }
        elements += static_cast<__int128>(tensor.shape[d] - 1) * (tensor.shape[d] > 1 ? tensor.strides[d] : 0);
    }
    return elements * static_cast<__int128>(element);
}

constexpr __int128 address_space = static_cast<__int128>(1) << 64;

// Whether Norma can tell that the call must not be: all else must lie within the arena.
bool must_be_refused(const norma_tensor &tensor) {
    const __int128 bytes = covered(tensor);
    return bytes < 0 || bytes >= address_space;
}

// Calls f(first byte, bytes) for each run of elements of a tensor within the arena.
template <typename F>
void each_element(const norma_tensor &tensor, const char *begin, const F &f) {
    const int64_t element = static_cast<int64_t>(element_bytes(tensor.dtype));
    int64_t shape[NORMA_MAX_RANK] = {1, 1, 1, 1}, strides[NORMA_MAX_RANK] = {};
    std::copy_n(tensor.shape, tensor.rank, shape);
    std::copy_n(tensor.strides, tensor.rank, strides);
    const int64_t first = static_cast<const char *>(tensor.data) - begin;
    for (int64_t a = 0; a < shape[0]; a++) {
        for (int64_t b = 0; b < shape[1]; b++) {
            for (int64_t c = 0; c < shape[2]; c++) {
                for (int64_t d = 0; d < shape[3]; d++) {
                    const int64_t at = a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
                    f(static_cast<size_t>(first + at * element), static_cast<size_t>(element));
                }
            }
        }
    }
}

CallSpec random_spec(Choices &c) {
    static const std::vector<norma_kernel_info> kernels = runnable_kernels();
    CallSpec spec;
    spec.kernel = kernels[c.below(kernels.size())];
    spec.hidden =
        spec.kernel.hidden_exact
            ? spec.kernel.hidden_exact
            : spec.kernel.hidden_multiple *
                  static_cast<int64_t>(c.below(static_cast<size_t>(largest_hidden / spec.kernel.hidden_multiple)) + 1);
    spec.outer.assign(c.below(4), 1);
    for (int64_t &extent : spec.outer) {
        extent = static_cast<int64_t>(c.below(4));
    }
    spec.row_padding = c.one_in(3) ? static_cast<int64_t>(c.below(8)) : 0;
    spec.save_statistics = c.one_in(2);
    spec.f32_gradients = spec.backward() && c.one_in(3);
    spec.accumulate = spec.backward() && c.one_in(3);
    spec.y_in_place = !spec.backward() && spec.kernel.x == spec.kernel.y && c.one_in(8);
    spec.residual_out_in_place = !spec.backward() && c.one_in(8);
    spec.dx_in_place = spec.backward() && spec.kernel.residual != NORMA_NONE && c.one_in(8);
    spec.threads = static_cast<int32_t>(c.below(4));
    spec.store = static_cast<norma_store>(c.below(3));
    return spec;
}

// From the call's own memory to the arena, the first ones at its end: a byte further is out of bounds.
bool move_to_arena(Choices &c, norma_arguments &arguments, Arena &arena) {
    char *end = arena.begin() + arena_bytes;
    char *moved[role_count] = {};
    for (int i = 0; i < role_count; i++) {
        norma_tensor &tensor = arguments.*roles[i].tensor;
        if (!tensor.data) {
            continue;
        }
        for (int j = 0; j < i; j++) {  // in place
            moved[i] = (arguments.*roles[j].tensor).data == tensor.data ? moved[j] : moved[i];
        }
        if (moved[i]) {
            continue;
        }
        const int64_t bytes = static_cast<int64_t>(covered(tensor));
        if (end - arena.begin() < bytes + 64) {
            return false;
        }
        end -= bytes;
        end -= reinterpret_cast<uintptr_t>(end) % element_bytes(tensor.dtype);
        std::memcpy(end, tensor.data, static_cast<size_t>(bytes));
        moved[i] = end;
        end -= c.below(3) * 4;
    }
    for (int i = 0; i < role_count; i++) {
        norma_tensor &tensor = arguments.*roles[i].tensor;
        tensor.data = moved[i] ? moved[i] : tensor.data;
    }
    return true;
}

// As many bytes as its size says, up to a guard.
template <typename Struct>
class Guarded {
public:
    const Struct *copy(const Struct &fields, bool none) {
        const size_t bytes = (std::clamp(fields.size, sizeof(size_t), sizeof(Struct)) + 7) / 8 * 8;
        char *at = memory_.back(bytes);
        std::memcpy(at, &fields, bytes);
        return none ? nullptr : reinterpret_cast<const Struct *>(at);
    }

private:
    GuardedMemory memory_{sizeof(Struct)};
};

bool in_place(const norma_plan_desc &desc, int output, int input) {
    return (output == role_y && input == role_x && desc.flags & NORMA_Y_IN_PLACE) ||
           (output == role_residual_out && input == role_residual && desc.flags & NORMA_RESIDUAL_OUT_IN_PLACE) ||
           (output == role_dx && input == role_d_residual && desc.flags & NORMA_DX_IN_PLACE);
}

// Which bytes a call may write; adds a problem where an output overlaps a tensor.
std::vector<bool> writable(const CallSpec &spec, const CallFields &fields, const Arena &arena, std::string *problem) {
    std::vector<bool> written(arena_bytes);
    std::vector<int> owner(arena_bytes, -1);
    for (int role = 0; role < role_count; role++) {
        const norma_tensor &tensor = fields.arguments.*roles[role].tensor;
        if (spec.is_output(role) && tensor.data && !must_be_refused(tensor)) {
            each_element(tensor, arena.begin(), [&](size_t at, size_t bytes) {
                for (size_t i = at; i < at + bytes; i++) {
                    if (written[i]) {
                        *problem = std::string(roles[role].name) + " overlaps an output, and is accepted";
                    }
                    written[i] = true;
                    owner[i] = role;
                }
            });
        }
    }
    for (int role = 0; role < role_count; role++) {
        const norma_tensor &tensor = fields.arguments.*roles[role].tensor;
        if (!spec.is_output(role) && tensor.data && !must_be_refused(tensor)) {
            each_element(tensor, arena.begin(), [&](size_t at, size_t bytes) {
                for (size_t i = at; i < at + bytes; i++) {
                    if (written[i] && !in_place(fields.desc, owner[i], role)) {
                        *problem =
                            std::string(roles[owner[i]].name) + " overlaps " + roles[role].name + ", and is accepted";
                    }
                }
            });
        }
    }
    return written;
}

std::string judge(norma_status status, const CallSpec &spec, const CallFields &fields, const Arena &arena) {
    if (status < NORMA_OK || status > NORMA_DEVICE_ERROR || status == NORMA_INTERNAL) {
        return "a status that it should not have";
    }
    if (status != NORMA_OK && !*norma_last_error()) {
        return "no message";
    }
    if (status != NORMA_OK && status != NORMA_PARALLEL_FOR_FAILED) {
        return arena.same() ? "" : "refused, and something was written";
    }
    for (const Role &role : roles) {
        const norma_tensor &tensor = fields.arguments.*role.tensor;
        if (tensor.data && must_be_refused(tensor)) {
            return std::string(role.name) + " is accepted";
        }
    }
    std::string problem;
    CallSpec run = spec;
    run.kernel.op = fields.desc.op;
    run.kernel.scale = fields.desc.scale;
    run.kernel.flags = fields.desc.flags;
    const std::vector<bool> written = writable(run, fields, arena, &problem);
    return !problem.empty() ? problem : arena.same_but(written) ? "" : "something beside the outputs was written";
}

// Binds the call and runs its first rows, before and after tensors go to other places of the arena: `fields` then has
// where the call has them.
norma_status run_bound(Choices &c, const norma_plan *plan, const norma_arguments *arguments,
                       const norma_execution *execution, CallFields &fields, const Arena &arena) {
    norma_call *call = nullptr;
    norma_status status = norma_bind(plan, arguments, execution, &call);
    const std::unique_ptr<norma_call, void (*)(norma_call *)> owner(call, norma_call_destroy);
    if (status != NORMA_OK) {
        return status;
    }
    for (size_t moves = c.below(3); moves > 0; moves--) {
        const int role = static_cast<int>(c.below(role_count));
        norma_tensor &tensor = fields.arguments.*roles[role].tensor;
        char *data = c.one_in(4) ? nullptr : arena.begin() + c.below(arena_bytes);
        if ((!data || (tensor.data && arena.holds(data, covered(tensor)))) &&
            norma_call_set_data(call, tensor_role(role), data) == NORMA_OK) {
            tensor.data = data;
        }
    }
    // What one run has written stays, whatever becomes of the others.
    const auto written = [](norma_status of) { return of == NORMA_OK ? 2 : of == NORMA_PARALLEL_FOR_FAILED ? 1 : 0; };
    status = NORMA_INVALID_ARGUMENT;
    for (size_t runs = c.below(3) + 1; runs > 0; runs--) {
        const norma_status last = norma_call_run(call, static_cast<int64_t>(c.below(70)) - 1);
        status = written(last) >= written(status) ? last : status;
    }
    return status;
}

norma_status run_plan(Choices &choices, const norma_plan_desc *desc, const norma_arguments *arguments,
                      norma_execution execution, CallFields &fields, const Arena &arena,
                      Guarded<norma_execution> &guarded) {
    static const GuardedMemory workspace(workspace_bytes);
    norma_plan *plan = nullptr;
    const norma_status made = norma_plan_create(desc, &plan);
    if (made != NORMA_OK) {
        return made;
    }
    const std::unique_ptr<norma_plan, void (*)(norma_plan *)> owner(plan, norma_plan_destroy);
    size_t needed = 0;
    if (norma_plan_workspace_size(plan, 64, execution.threads, &needed) == NORMA_OK && needed <= workspace_bytes - 64 &&
        execution.workspace) {
        execution.workspace = workspace.back((needed + 63) / 64 * 64);
        execution.workspace_size = execution.workspace_size == sizeof(execution) ? needed : 0;
    } else {
        execution.workspace = nullptr;
    }
    const norma_execution *given = guarded.copy(execution, fields.no_execution);
    return choices.one_in(2) ? norma_plan_run(plan, arguments, given)
                             : run_bound(choices, plan, arguments, given, fields, arena);
}

std::string text(const CallSpec &spec, const CallFields &fields, norma_status status) {
    std::ostringstream out;
    out << spec.text() << ": " << norma_status_string(status) << (status ? norma_last_error() : "") << "\n  desc: op "
        << fields.desc.op << " hidden " << fields.desc.hidden << " flags " << fields.desc.flags << " scale "
        << fields.desc.scale << "; threads " << fields.execution.threads;
    for (const Role &role : roles) {
        const norma_tensor &tensor = fields.arguments.*role.tensor;
        if (tensor.data || tensor.dtype) {
            out << "\n  " << role.name << " " << tensor.data << " dtype " << tensor.dtype << " rank " << tensor.rank;
            for (int d = 0; d < NORMA_MAX_RANK; d++) {
                out << " " << tensor.shape[d] << "/" << tensor.strides[d];
            }
        }
    }
    return out.str();
}

}  // namespace

Outcome random_call(Choices &choices) {
    static Arena arena;
    static Guarded<norma_plan_desc> guarded_desc;
    static Guarded<norma_arguments> guarded_arguments;
    static Guarded<norma_execution> guarded_execution;
    const CallSpec spec = random_spec(choices);
    const Call call(spec);
    CallFields fields = {call.desc, call.arguments, call.execution};
    arena.fill();
    if (!move_to_arena(choices, fields.arguments, arena)) {
        return {};
    }
    if (choices.one_in(2)) {
        fields.desc.kernel = nullptr;
    }
    fields.execution.workspace = arena.begin();  // a place to be, which run_plan chooses
    fields.execution.workspace_size = sizeof(fields.execution);
    for (size_t changes = choices.below(5); changes > 0; changes--) {
        CallFields changed = fields;
        change_a_field(choices, changed, arena.begin(), arena_bytes);
        bool within = true;
        for (const Role &role : roles) {
            const norma_tensor &tensor = changed.arguments.*role.tensor;
            within = within && (!tensor.data || must_be_refused(tensor) ||
                                arena.holds(static_cast<const char *>(tensor.data), covered(tensor)));
        }
        if (within) {
            fields = changed;
        }
    }
    arena.remember();
    const norma_plan_desc *desc = guarded_desc.copy(fields.desc, fields.no_desc);
    const norma_arguments *arguments = guarded_arguments.copy(fields.arguments, fields.no_arguments);
    Outcome outcome;
    if (choices.one_in(2)) {
        fields.execution.workspace = nullptr;
        outcome.status = norma_run(desc, arguments, guarded_execution.copy(fields.execution, fields.no_execution));
    } else {
        outcome.status = run_plan(choices, desc, arguments, fields.execution, fields, arena, guarded_execution);
    }
    outcome.problem = judge(outcome.status, spec, fields, arena);
    if (!outcome.problem.empty()) {
        outcome.problem += ": " + text(spec, fields, outcome.status);
    }
    return outcome;
}

Outcome random_query(Choices &choices) {
    static GuardedMemory memory(sizeof(norma_kernel_info) + sizeof(norma_target_info));
    static constexpr int32_t numbers[] = {0, 1, 2, -1, 3, 7, 1 << 30, INT32_MAX, INT32_MIN};
    const int32_t number = choices.of(numbers);
    const auto info_of = [&](auto info, auto get) {
        const size_t sizes[] = {0, 8, sizeof info - 8, sizeof info, sizeof info, sizeof info};
        info = {};
        info.size = choices.of(sizes);
        auto *place = reinterpret_cast<decltype(info) *>(memory.back(std::max(info.size, sizeof(size_t))));
        std::memcpy(reinterpret_cast<char *>(place), &info.size, sizeof(size_t));
        return get(number, choices.one_in(8) ? nullptr : place);
    };
    Outcome outcome;
    switch (choices.below(5)) {
        case 0: outcome.status = info_of(norma_kernel_info{}, norma_get_kernel_info); break;
        case 1: outcome.status = info_of(norma_target_info{}, norma_get_target_info); break;
        case 2: outcome.status = norma_plan_cache_set_capacity(number); break;
        case 3: outcome.status = number > 8 ? NORMA_OK : norma_set_num_threads(number); break;
        default:
            norma_plan_cache_clear();
            if (!*norma_status_string(static_cast<norma_status>(number))) {
                outcome.problem = "a status without a text";
            }
            norma_plan_destroy(nullptr);
            break;
    }
    if (outcome.status != NORMA_OK && !*norma_last_error()) {
        outcome.problem = "no message";
    }
    return outcome;
}

}  // namespace norma::test
