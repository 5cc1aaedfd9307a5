// SPDX-License-Identifier: MIT
// A call of the C interface that a caller might make by mistake, or on purpose.
#pragma once

#include <string>

#include "choices.h"
#include "norma/norma.h"

namespace norma::test {

struct Outcome {
    norma_status status = NORMA_OK;
    std::string problem;  // "" where Norma kept its promises
};

// A call of some kernel with up to four fields changed, on tensors in one guarded arena: it writes what is asked for
// and nothing beside, or is refused with a message and writes nothing.
Outcome random_call(Choices &choices);

// The functions that take numbers alone, and the lists of kernels and targets.
Outcome random_query(Choices &choices);

}  // namespace norma::test
