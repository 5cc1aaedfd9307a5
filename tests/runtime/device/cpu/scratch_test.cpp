// SPDX-License-Identifier: MIT
// The kernels' scratch: Halide frees blocks as soon as it can, which is not always the last one first.
#include "runtime/kernel_host/cpu/scratch.h"

#include <vector>

#include "tests/support/catch.h"

using norma::Scratch;

TEST_CASE("blocks of scratch are given back in any order, again and again", "[scratch]") {
    std::vector<char> memory(static_cast<size_t>(norma::stack_size(1000)));
    Scratch scratch = {memory.data(), memory.data(), memory.data() + memory.size()};
    const std::vector<std::vector<size_t>> orders = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}, {0, 2, 1}, {2, 0, 1}};
    for (int time = 0; time < 100; time++) {
        for (const std::vector<size_t> &order : orders) {
            void *blocks[] = {norma::take_scratch(&scratch, 600), norma::take_scratch(&scratch, 300),
                              norma::take_scratch(&scratch, 100)};
            for (const size_t i : order) {
                REQUIRE(blocks[i]);
                CHECK(norma::is_scratch(scratch, blocks[i]));
                CHECK(reinterpret_cast<uintptr_t>(blocks[i]) % norma::scratch_alignment == 0);
                norma::give_back_scratch(&scratch, blocks[i]);
            }
            REQUIRE(scratch.top == memory.data());
        }
    }
}

TEST_CASE("a block under one that is in use is not taken again", "[scratch]") {
    std::vector<char> memory(static_cast<size_t>(norma::stack_size(1000)));
    Scratch scratch = {memory.data(), memory.data(), memory.data() + memory.size()};
    char *const lower = static_cast<char *>(norma::take_scratch(&scratch, 300));
    char *const upper = static_cast<char *>(norma::take_scratch(&scratch, 300));
    norma::give_back_scratch(&scratch, lower);
    CHECK(static_cast<char *>(norma::take_scratch(&scratch, 300)) >= upper + 300);
    CHECK(norma::take_scratch(&scratch, 100000) == nullptr);
}
