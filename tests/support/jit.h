// SPDX-License-Identifier: MIT
// Pipelines compiled in this process as normagen compiles kernels.
#pragma once

#include <Halide.h>

#include <utility>
#include <vector>

namespace norma::test {

inline Halide::Target jit_target() { return Halide::get_host_target().with_feature(Halide::Target::StrictFloat); }

inline void realize(Halide::Pipeline pipeline, std::vector<Halide::Buffer<>> outputs) {
    pipeline.realize(Halide::Realization(std::move(outputs)), jit_target());
}

// The argument of kernels with streaming stores.
inline Halide::Argument store_mode_argument() {
    return {"store_mode", Halide::Argument::InputScalar, Halide::Int(32), 0, Halide::ArgumentEstimates{}};
}

}  // namespace norma::test
