// SPDX-License-Identifier: MIT
// Each pass for CUDA says so where a kernel has not what it is for. What they make of one that has: cuda_rows_test.
#include <Halide.h>

#include <functional>

#include "generators/passes/cuda/butterfly.h"
#include "generators/passes/cuda/column_sums.h"
#include "generators/passes/cuda/double_buffered_shared.h"
#include "generators/passes/cuda/register_row.h"
#include "generators/passes/cuda/rows_ahead.h"
#include "generators/passes/cuda/strip_loop.h"
#include "generators/passes/cuda/thread_barrier.h"
#include "generators/passes/cuda/wide_access.h"
#include "tests/support/catch.h"

namespace {

using namespace norma;
using Halide::Internal::IRMutator;

// What the pass says of y = 2 x, a block of 32 threads a row, each with `vector` elements.
std::string complaint(IRMutator *pass, int vector = 1) {
    Halide::ImageParam x(Halide::Float(32), 2, "x");
    Halide::Var d("d"), r("r"), t("t"), v("v");
    Halide::Func y("y");
    y(d, r) = x(d, r) * 2;
    y.split(d, d, t, 32 * vector).split(t, t, v, vector).vectorize(v).gpu_blocks(d, r).gpu_threads(t);
    const Halide::Target target = Halide::get_host_target()
                                      .with_feature(Halide::Target::CUDA)
                                      .with_feature(Halide::Target::CUDACapability80)
                                      .with_feature(Halide::Target::NoRuntime);
    Halide::Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(pass);
    try {
        pipeline.compile_to_module({x}, "kernel", target);
        return "";
    } catch (const std::logic_error &error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a pass that finds nothing to do says so") {
    CHECK(complaint(new ButterflyPass(1)).find("butterfly: 0 exchanges of lanes; expected 1") == 0);
    CHECK(complaint(new ThreadBarrierPass(1)).find("thread_barrier: 0 exchanges") == 0);
    CHECK(complaint(new RegisterRowPass("row", 4, 1, 16)).find("register_row: row is never stored") == 0);
    CHECK(complaint(new ColumnSumsPass("step", 1, {"dweight"}, 4, 32, 16))
              .find("column_sums: 0 outputs are stored; expected 1") == 0);
    CHECK(complaint(new StripLoopPass("step", 1, 1, "y")).find("strip_loop: no condition asks") == 0);
    CHECK(complaint(new RowsAheadPass("step", 1, 1, 1 << 16)).find("rows_ahead: a step loads nothing") == 0);
    CHECK(
        complaint(new DoubleBufferedSharedPass(1)).find("double_buffered_shared: 0 exchanges through 0 allocations") ==
        0);
}

TEST_CASE("a vector that is not aligned is no wide access") {
    CHECK(complaint(new WideAccessPass(false)) == "");
    CHECK(complaint(new WideAccessPass(false), 4).find("wide_access: a vector of ") == 0);
}
