// SPDX-License-Identifier: MIT
// A checked call with its argument vector: what its runs have in common, worked out once.
#pragma once

#include "kernel_call.h"

// Made without a constructor, on the stack of a run or by malloc; norma::bind fills it in.
struct norma_call {
    norma::Run run;
    norma::KernelCall kernel_call;     // of the calling thread
    const norma_arguments *arguments;  // as checked; whoever made the call keeps them
    norma_execution execution;
    bool moved;  // some data, since all tensors were checked together
};

namespace norma {

// What no execution means.
inline constexpr norma_execution default_execution = {sizeof(norma_execution), 0, nullptr, nullptr, nullptr, nullptr, 0,
                                                      NORMA_STORE_AUTO};

// Checks all that the caller passes. On failure the call is not to be used.
norma_status bind(const norma_plan *plan, const norma_arguments *arguments, const norma_execution *execution,
                  norma_call *call);

// Part of run_first_rows: data that is looked at before the rows.
norma_status check_given_scale(const norma_plan &plan, const Work &work);

// The first rows of a call, at most as many as it has.
norma_status run_first_rows(norma_call &call, int64_t rows);

// Of the plan's kernels, that for these tensors. Null after a refusal.
const Kernel *choose_kernel(const norma_plan &plan, const Work &work);

}  // namespace norma
