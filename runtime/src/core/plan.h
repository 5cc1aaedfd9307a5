// SPDX-License-Identifier: MIT
// A plan: everything about a call that does not depend on its tensors, worked out once.
#pragma once

#include "call_template.h"
#include "registry.h"
#include "verbose.h"

namespace norma {

struct Device;

// By tensor_index: a call has few of all.
struct TensorList {
    int32_t count;
    uint8_t at[tensor_role_count];

    void add(int index) { at[count++] = static_cast<uint8_t>(index); }
    const uint8_t *begin() const { return at; }
    const uint8_t *end() const { return at + count; }
};

}  // namespace norma

// Plain data, made by calloc: no member needs a constructor to have run.
struct norma_plan {
    const norma::Kernel *kernel;
    const norma::Kernel
        *unaligned_fallback;  // with the same bits where data is not aligned for `kernel`; null where there is none
    const norma::Target *target;
    const norma::Device *device;
    norma_plan_desc desc;  // normalized; the strings are the plan's own
    norma::Variant variant;
    char *explanation;

    norma::CallTemplate call;
    // By tensor_index. NORMA_NONE: the call must not give this tensor.
    norma_dtype dtypes[norma::tensor_role_count];
    int32_t sizes[norma::tensor_role_count];  // bytes of an element
    bool outputs[norma::tensor_role_count];   // what a run writes
    norma::TensorKind kinds[norma::tensor_role_count];
    norma::TensorList present, written;               // those that the call gives, and what it writes of them
    uintptr_t absent_mask[norma::tensor_role_count];  // all ones for those that it must not give
    int64_t extents[norma::tensor_role_count];        // of a row: hidden, the groups of it, or 1

    int64_t hidden;
    int64_t row_elements;        // hidden, or of what hidden is a slice: decides strips
    int64_t streaming_rows;      // from which on streaming stores pay
    int64_t max_slice_elements;  // extent * stride of a kernel call stays within
    int64_t grain_size;          // fewer are not worth a thread
    int64_t rows_per_task;       // likewise
    int64_t workspace_per_worker;
    norma::StoreMode streaming_mode;  // with or without prefetch, by the length of a row
    norma::Verbose verbose;
};

namespace norma {

// Checks the desc, replaces zeros by what they mean, and keeps its strings where they are.
norma_status normalize(const norma_plan_desc *desc, norma_plan_desc *normalized);

// Whether any run of the plan does.
inline bool needs_workspace(const norma_plan &plan) {
    return plan.workspace_per_worker > 0 || plan.call.column_sum_count > 0;
}

bool same_variant(const norma_plan_desc &a, const norma_plan_desc &b);

// Of a normalized desc.
norma_status create_plan(const norma_plan_desc &desc, norma_plan **plan);

}  // namespace norma
