// SPDX-License-Identifier: MIT
// Writes an ahead-of-time Halide kernel with a Halide runtime of its own, as another library in the process would have.
#include <Halide.h>

int main(int, char **arguments) {
    Halide::ImageParam in(Halide::Float(32), 1, "in");
    Halide::Func twice("twice");
    Halide::Var i;
    twice(i) = 2.0f * in(i);
    twice.parallel(i, 16);
    twice.compile_to_static_library(arguments[1], {in}, "neighbour_twice", Halide::get_host_target());
}
