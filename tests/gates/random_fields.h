// SPDX-License-Identifier: MIT
// What random_call() changes.
#pragma once

#include "choices.h"
#include "norma/norma.h"

namespace norma::test {

struct CallFields {
    norma_plan_desc desc;
    norma_arguments arguments;
    norma_execution execution;
    bool no_desc = false, no_arguments = false, no_execution = false;
};

// One field of one of them. Data that is not null stays within `bytes` from `begin`.
void change_a_field(Choices &choices, CallFields &fields, char *begin, size_t bytes);

}  // namespace norma::test
