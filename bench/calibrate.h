// SPDX-License-Identifier: MIT
// The subcommand norma calibrate: measures what the library decides at each run, for norma_set_calibration to read.
#pragma once

#include <cstdint>
#include <vector>

namespace CLI {
class App;
}

namespace norma::bench {

// Times of one run, by the bytes that it reads and writes, in ascending order.
struct StoreTimes {
    int64_t bytes;
    double ordinary_ns, streaming_ns;
};

// From how many bytes on to stream, so that the product of the times of all sizes is least; the largest size times two
// where it never pays.
int64_t best_threshold(const std::vector<StoreTimes> &times);

void add_calibrate(CLI::App &app);

}  // namespace norma::bench
