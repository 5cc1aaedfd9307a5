// SPDX-License-Identifier: MIT
// Hand-written kernels, of what a good engineer would write instead of using Norma: forwards and backwards in f32, bf16
// and f16, and RMSNorm from bf16 to 8 bits.
#pragma once

#include <vector>

#include "loops.h"
#include "team.h"

namespace norma::bench {

// Contiguous rows, split to the team's threads. False when there is none for this norm and instruction set.
bool yardstick(const Loops &loops, const Norm &norm, int64_t rows, Store store, Team &team);

// The same of a backward.
class BackwardYardstick {
public:
    BackwardYardstick(const Loops &loops, const Backward &backward, int64_t rows, Store store, Team &team);
    bool exists() const { return loop_ != nullptr; }
    void run();

    std::vector<float> dweight, dbias;  // the latter of layer_norm

private:
    ColumnSums sums_of(int64_t thread);

    Backward backward_;
    int64_t rows_;
    BackwardLoop loop_;
    Team &team_;
    std::vector<float> chunks_;
    std::vector<double> totals_;
};

}  // namespace norma::bench
