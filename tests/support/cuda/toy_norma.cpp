// SPDX-License-Identifier: MIT
// norma bench alone, over the toy kernels.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/bench.h"

int main(int count, char **arguments) {
    CLI::App app;
    norma::bench::add_bench(app);
    try {
        app.parse(count, arguments);
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "norma: %s\n", error.what());
        return 2;
    }
}
