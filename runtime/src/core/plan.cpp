// SPDX-License-Identifier: MIT
// Making a plan: the kernel is chosen among those of the target, by the class of hidden sizes that it was compiled for.
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "runtime/kernel_host/cpu/streaming_choice.h"
#include "runtime/kernel_host/integers.h"
#include "runtime/src/device/device.h"
#include "runtime/vocabulary/fields.h"
#include "targets.h"
#include "variant_text.h"

namespace norma {
namespace {

constexpr int64_t max_slice_elements = INT32_MAX;

bool of_interest(const Kernel &kernel, const norma_plan_desc &desc) {
    return desc.kernel ? strcmp(kernel.name, desc.kernel) == 0
                       : kernel.variant.op == desc.op && kernel.variant.x == desc.x;
}

// `wanted` is the variant of the desc.
bool fits(const Kernel &kernel, int32_t target, const norma_plan_desc &desc, const Variant &wanted) {
    Text why;
    return kernel.target == target && of_interest(kernel, desc) && !add_mismatch(why, kernel, wanted);
}

// Of kernels that differ in their alignment alone, the widest accesses.
bool better(const Kernel &a, const Kernel &b) {
    const int64_t class_a = specialization(runs(a.variant)), class_b = specialization(runs(b.variant));
    return class_a > class_b || (class_a == class_b && a.alignment > b.alignment);
}

const Kernel *best_kernel(int32_t target, const norma_plan_desc &desc) {
    const Variant wanted = variant_of(desc);
    const Kernel *best = nullptr;
    for (int32_t i = 0; i < kernel_count; i++) {
        if (fits(kernels[i], target, desc, wanted) && (!best || better(kernels[i], *best))) {
            best = &kernels[i];
        }
    }
    return best;
}

// What computes the same bits as the chosen kernel from data of any alignment: under another name, which a forced
// kernel's does not forbid.
const Kernel *find_unaligned_fallback(const Kernel &chosen, norma_plan_desc desc) {
    desc.kernel = nullptr;
    const Variant wanted = variant_of(desc);
    for (int32_t i = 0; i < kernel_count && chosen.alignment > 0; i++) {
        const Kernel &kernel = kernels[i];
        if (kernel.alignment == 0 && fits(kernel, chosen.target, desc, wanted) &&
            specialization(runs(kernel.variant)) == specialization(runs(chosen.variant)) &&
            strcmp(kernel.strategy, chosen.strategy) == 0 && kernel.arguments == chosen.arguments) {
            return &kernel;
        }
    }
    return nullptr;
}

void explain(Text &text, const TargetChoice &target, const norma_plan_desc &desc, const Kernel *chosen,
             const Kernel *unaligned_fallback) {
    text.add("target %s: %s\n", targets[target.index].name, target.reason);
    const Variant wanted = variant_of(desc);
    int others = 0;
    for (int32_t i = 0; i < kernel_count; i++) {
        const Kernel &kernel = kernels[i];
        if (kernel.target != target.index) {
            continue;
        }
        if (!of_interest(kernel, desc)) {
            others++;
            continue;
        }
        text.add("kernel %s: ", kernel.name);
        if (&kernel == chosen) {
            text.add(desc.kernel ? "chosen, asked for by name" : "chosen");
            text.add(" (strategy %s, knobs %s, from %s)", kernel.strategy, kernel.knobs, kernel.origin);
        } else {
            text.add(&kernel == unaligned_fallback ? "for runs whose data is not aligned" : "skipped, ");
            if (&kernel != unaligned_fallback && !add_mismatch(text, kernel, wanted)) {
                text.add("the chosen one was compiled for a narrower class of hidden sizes");
            }
        }
        text.add("\n");
    }
    if (others > 0) {
        text.add("%d other kernels of this target: not considered, another %s\n", others,
                 desc.kernel ? "name" : "op or type of x");
    }
}

norma_status refuse_kernel(const TargetChoice &target, const norma_plan_desc &desc) {
    Text text;
    if (!desc.kernel) {
        add_manifest_line(text, variant_of(desc), desc.device.type);
        return fail(NORMA_NOT_IN_LIBRARY, "%s", text.c_str());
    }
    for (int32_t i = 0; i < kernel_count; i++) {
        if (kernels[i].target == target.index && of_interest(kernels[i], desc)) {
            add_mismatch(text, kernels[i], variant_of(desc));
            return fail(NORMA_INVALID_ARGUMENT, "desc.kernel is \"%s\", which does not fit: its %s", desc.kernel,
                        text.c_str());
        }
    }
    return fail(NORMA_INVALID_ARGUMENT, "desc.kernel is \"%s\"; expected the name of a kernel of the target %s",
                desc.kernel, targets[target.index].name);
}

// A registry that no normagen of this version wrote may hold anything, and the dispatcher divides by it.
norma_status check_run_time(const Kernel &kernel) {
    for (const RunTimeChoice &choice : run_time_choices) {
        const int64_t value = kernel.run_time.*choice.member;
        if (!choice.contains(value)) {
            return fail(NORMA_INTERNAL, "the library has kernel %s with %s %lld; expected %lld to %lld", kernel.name,
                        choice.name, static_cast<long long>(value), static_cast<long long>(choice.least),
                        static_cast<long long>(choice.most));
        }
    }
    return NORMA_OK;
}

// Leaves the value as it is where the variable is not set.
norma_status read_limit(const char *variable, int64_t *value) {
    const char *text = getenv(variable);
    if (!text || !*text) {
        return NORMA_OK;
    }
    char *end = nullptr;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || *value < 1 || *value > max_slice_elements) {
        return fail(NORMA_INVALID_ARGUMENT, "%s is \"%s\"; expected a whole number from 1 to %lld", variable, text,
                    static_cast<long long>(max_slice_elements));
    }
    return NORMA_OK;
}

// What the plan's call has of a tensor: a kernel writes statistics that nobody wants to a place that nobody reads.
norma_dtype dtype_in_call(const norma_plan &plan, const TensorRole &role) {
    const norma_plan_desc &desc = plan.desc;
    const bool statistic = role.role == Role::mean || role.role == Role::rstd;
    const bool unwanted = statistic && !is_backward(desc.op) && !(desc.flags & NORMA_SAVE_STATISTICS);
    const norma_dtype dtype = unwanted ? NORMA_NONE : role.dtype(plan.variant);
    const bool widened = role.column_sum && dtype != NORMA_NONE && (desc.flags & NORMA_F32_GRADIENTS);
    return widened ? NORMA_F32 : dtype;
}

// What the run needs to know of the kernel and the variant.
void derive(norma_plan &plan, const RunTime &run_time) {
    const norma_plan_desc &desc = plan.desc;
    plan.variant = variant_of(desc);
    plan.hidden = plan.row_elements = desc.hidden;
    int64_t bytes_per_row = 0;  // read and written
    for (int i = 0; i < tensor_role_count; i++) {
        const TensorRole &role = tensor_roles[i];
        plan.dtypes[i] = dtype_in_call(plan, role);
        plan.sizes[i] = dtype_size(plan.dtypes[i]);
        plan.kinds[i] = role.kind(plan.variant);
        plan.outputs[i] = role.output(plan.variant);
        plan.extents[i] = plan.kinds[i] == TensorKind::groups      ? desc.hidden / group_size(desc.scale)
                          : plan.kinds[i] == TensorKind::statistic ? 1
                                                                   : desc.hidden;
        plan.absent_mask[i] = plan.dtypes[i] == NORMA_NONE ? UINTPTR_MAX : 0;
        if (plan.dtypes[i] != NORMA_NONE) {
            plan.present.add(i);
        }
        if (plan.dtypes[i] != NORMA_NONE && plan.outputs[i]) {
            plan.written.add(i);
        }
        if (plan.kinds[i] == TensorKind::activation) {
            bytes_per_row += plan.sizes[i] * desc.hidden;
        }
    }
    plan.grain_size = run_time.grain_size;
    plan.rows_per_task = divide_up(run_time.grain_size, desc.hidden);
    fill_template(&plan.call, *plan.kernel, plan.dtypes, plan.kinds, desc.hidden);
    plan.workspace_per_worker = plan.device->workspace_per_worker(*plan.kernel, desc.hidden);
    auto row_bytes = [&](Role role) { return plan.sizes[tensor_index(role)] * desc.hidden; };
    const StreamingChoice streaming = choose_streaming(run_time, bytes_per_row, row_bytes(Role::x),
                                                       row_bytes(is_backward(desc.op) ? Role::dx : Role::y));
    plan.streaming_rows = streaming.least_rows;
    plan.streaming_mode = streaming.mode;
}

bool copy_text(const char **text) {
    *text = *text ? strdup(*text) : nullptr;
    return *text;
}

}  // namespace

norma_status create_plan(const norma_plan_desc &desc, norma_plan **result) {
    TargetChoice target = {};
    const Device *device = find_device(desc.device.type);
    norma_status status = check_verbose();
    status = status ? status : choose_target(desc.target, *device, desc.device.id, &target);
    if (status != NORMA_OK) {
        return status;
    }
    const Kernel *kernel = best_kernel(target.index, desc);
    int64_t slice_elements = max_slice_elements;
    RunTime run_time = kernel ? kernel->run_time : RunTime{};
    status = kernel ? check_run_time(*kernel) : NORMA_OK;
    status = status || !device->adapt ? status : device->adapt(&run_time);
    status = status ? status : read_limit("NORMA_MAX_SLICE_ELEMENTS", &slice_elements);
    status = status ? status : read_limit("NORMA_GRAIN_SIZE", &run_time.grain_size);
    status = status ? status : read_limit("NORMA_STREAMING_THRESHOLD", &run_time.streaming_threshold);
    if (status != NORMA_OK) {
        return status;
    }
    const Kernel *unaligned_fallback = kernel ? find_unaligned_fallback(*kernel, desc) : nullptr;
    Text text;
    explain(text, target, desc, kernel, unaligned_fallback);
    const Verbose verbose = verbose_level();
    if (verbose >= Verbose::dispatch) {
        verbose_lines("dispatch", text.c_str());
    }
    if (!kernel) {
        return refuse_kernel(target, desc);
    }
    norma_plan *plan = static_cast<norma_plan *>(calloc(1, sizeof(norma_plan)));
    if (!plan) {
        return fail(NORMA_OUT_OF_MEMORY, "no memory for a plan");
    }
    plan->kernel = kernel;
    plan->unaligned_fallback = unaligned_fallback;
    plan->target = &targets[target.index];
    plan->device = device;
    plan->desc = desc;
    plan->max_slice_elements = slice_elements;
    plan->verbose = verbose;
    derive(*plan, run_time);
    plan->explanation = text.release();
    const bool target_copied = copy_text(&plan->desc.target) || !desc.target;
    const bool kernel_copied = copy_text(&plan->desc.kernel) || !desc.kernel;
    if (!plan->explanation || !target_copied || !kernel_copied) {
        norma_plan_destroy(plan);
        return fail(NORMA_OUT_OF_MEMORY, "no memory for a plan");
    }
    status = plan->device->prepare(*plan);
    if (status != NORMA_OK) {
        norma_plan_destroy(plan);
        return status;
    }
    if (verbose >= Verbose::info) {
        verbose_line("info", "plan: kernel %s, target %s (%s)", kernel->name, plan->target->name, target.reason);
    }
    *result = plan;
    return NORMA_OK;
}

}  // namespace norma

norma_status norma_plan_create(const norma_plan_desc *desc, norma_plan **plan) {
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null; expected where to put the plan");
    }
    *plan = nullptr;
    norma_plan_desc normalized;
    const norma_status status = norma::normalize(desc, &normalized);
    return status ? status : norma::create_plan(normalized, plan);
}

void norma_plan_destroy(norma_plan *plan) {
    if (plan) {
        free(plan->explanation);
        free(const_cast<char *>(plan->desc.target));
        free(const_cast<char *>(plan->desc.kernel));
        free(plan);
    }
}

const char *norma_plan_kernel(const norma_plan *plan) { return plan ? plan->kernel->name : ""; }

const char *norma_plan_explain(const norma_plan *plan) { return plan ? plan->explanation : ""; }
