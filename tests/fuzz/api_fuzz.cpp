// SPDX-License-Identifier: MIT
// Calls of the C interface: see tests/gates/random_call.h.
#include <cstdio>
#include <cstdlib>

#include "tests/gates/random_call.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    setenv("NORMA_GRAIN_SIZE", "1", 1);
    norma::test::Choices choices(bytes, count);
    const bool query = choices.one_in(20);
    const norma::test::Outcome outcome = query ? norma::test::random_query(choices) : norma::test::random_call(choices);
    if (!outcome.problem.empty()) {
        std::fprintf(stderr, "%s\n", outcome.problem.c_str());
        std::abort();
    }
    return 0;
}
