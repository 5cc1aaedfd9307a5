// SPDX-License-Identifier: MIT
// What Norma's kernels call of Halide is its own: another user of Halide in the process keeps handlers, pool and
// results.
#include <HalideBuffer.h>
#include <norma/norma.hpp>

#include "tests/support/catch.h"

extern "C" int neighbour_twice(halide_buffer_t *in, halide_buffer_t *out);

namespace {

int errors = 0;

void count_error(void *, const char *) { errors++; }

float normalize_one_row() {
    std::vector<float> x(64, 3.0f), y(64);
    norma_arguments arguments = norma::arguments(0.0f);
    arguments.x = norma::tensor(x.data(), {1, 64});
    arguments.y = norma::tensor(y.data(), {1, 64});
    norma::Plan(norma::describe(NORMA_RMS_NORM_FORWARD, 64, NORMA_F32)).run(arguments);
    return y[63];
}

}  // namespace

TEST_CASE("another Halide lives in the same process", "[library]") {
    halide_set_error_handler(count_error);
    CHECK(normalize_one_row() == 1.0f);
    norma_set_num_threads(2);

    Halide::Runtime::Buffer<float> in(100), out(100), too_small(50);
    in.fill(1.5f);
    CHECK(neighbour_twice(in, out) == 0);
    CHECK(out(99) == 3.0f);
    CHECK(neighbour_twice(too_small, out) != 0);
    CHECK(errors == 1);  // its handler, not Norma's

    norma_shutdown();
    CHECK(neighbour_twice(in, out) == 0);
    CHECK(normalize_one_row() == 1.0f);
}
