// SPDX-License-Identifier: MIT
// Whatever a caller does to its floating-point environment, results are those of the standard one.
#include <cfenv>
#include <cstring>
#include <norma/norma.hpp>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/flush_denormals.h"
#include "tests/support/kernels.h"

namespace {

using namespace norma::test;

constexpr int64_t rows = 96, hidden = 200;

// Rows of ordinary numbers, of denormals, and of zeros.
std::vector<float> made_up_rows() {
    std::vector<float> x(rows * hidden);
    for (int64_t i = 0; i < rows * hidden; i++) {
        const float sample = static_cast<float>((i * 2654435761u >> 7) % 2001) / 1000.0f - 1.0f;
        const int64_t kind = i / hidden % 3;
        x[static_cast<size_t>(i)] = kind == 0 ? sample : kind == 1 ? sample * 1e-39f : 0.0f;
    }
    return x;
}

struct Case {
    std::string target;
    norma_op op;
    norma_dtype y;
    norma_scale scale;
};

// What a run wrote: y, then y_scale.
std::vector<char> run(const norma::Plan &plan, const Case &c, const std::vector<float> &x, int threads,
                      norma_parallel_for parallel_for = nullptr, const void *context = nullptr) {
    std::vector<char> out(static_cast<size_t>(rows * hidden * 4 + rows * 4));
    norma_arguments arguments = norma::arguments(1e-5f);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.y = norma::tensor(out.data(), c.y, {rows, hidden});
    if (c.scale != NORMA_SCALE_NONE) {
        arguments.y_scale = norma::tensor(out.data() + rows * hidden * 4, NORMA_F32, {rows});
    }
    norma_execution execution = norma::execution(threads);
    execution.parallel_for = parallel_for;
    execution.parallel_for_context = const_cast<void *>(context);
    norma::Workspace workspace;
    plan.run(arguments, execution, workspace);
    return out;
}

struct Mode {
    const char *name;
    bool (*enter)();  // false where the machine has no such mode
};

const Mode modes[] = {
    {"denormals are flushed",
     [] {
         flush_denormals();
         return true;
     }},
    {"rounding is upward", [] { return std::fesetround(FE_UPWARD) == 0; }},
    {"rounding is toward zero", [] { return std::fesetround(FE_TOWARDZERO) == 0; }},
    {"exceptions trap", [] { return feenableexcept(FE_ALL_EXCEPT) != -1 && fegetexcept() == FE_ALL_EXCEPT; }},
};

// A loop of a caller whose own threads are in the mode.
int run_in_mode(void *mode, int64_t count, norma_task task, void *data) {
    std::fenv_t before;
    std::fegetenv(&before);
    for (int64_t i = 0; i < count; i++) {
        static_cast<const Mode *>(mode)->enter();
        task(data, i);
    }
    std::fesetenv(&before);
    return 0;
}

std::vector<Case> cases() {
    std::set<std::string> targets;
    std::vector<Case> list;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        const bool plain = kernel.x == NORMA_F32 && kernel.weight == NORMA_NONE && kernel.bias == NORMA_NONE &&
                           kernel.residual == NORMA_NONE && kernel.hidden_exact == 0 && kernel.hidden_multiple == 1 &&
                           kernel.y_float == NORMA_NONE && kernel.contract == NORMA_FP32_ONCE;
        const bool forward = kernel.op == NORMA_RMS_NORM_FORWARD || kernel.op == NORMA_LAYER_NORM_FORWARD;
        const bool known = kernel.scale == NORMA_SCALE_NONE || kernel.scale == NORMA_SCALE_ROW;
        if (plain && forward && known && kernel.hidden_most == 0) {
            list.push_back({kernel.target, kernel.op, kernel.y, kernel.scale});
            targets.insert(kernel.target);
        }
    }
    REQUIRE(!targets.empty());
    return list;
}

norma::Plan plan_of(const Case &c) {
    norma_plan_desc desc = norma::describe(c.op, hidden, NORMA_F32);
    desc.y = c.y;
    desc.scale = c.scale;
    desc.target = c.target.c_str();
    return norma::Plan(desc);
}

}  // namespace

TEST_CASE("results do not depend on the caller's floating-point environment, which stays", "[environment]") {
    const Environment small_grains("NORMA_GRAIN_SIZE", "64");
    const std::vector<float> x = made_up_rows();
    std::fenv_t before;
    for (const Case &c : cases()) {
        const norma::Plan plan = plan_of(c);
        const std::vector<char> expected = run(plan, c, x, 1);
        for (const Mode &mode : modes) {
            for (const int threads : {1, 3}) {
                norma_shutdown();  // the pool is made by a caller in the mode
                std::fegetenv(&before);
                const bool entered = mode.enter();
                std::feclearexcept(FE_ALL_EXCEPT);
                const int rounding = std::fegetround(), traps = fegetexcept();
                const std::vector<char> got = entered ? run(plan, c, x, threads) : expected;
                const int raised = std::fetestexcept(FE_ALL_EXCEPT);
                const bool same_mode = std::fegetround() == rounding && fegetexcept() == traps;
                std::fesetenv(&before);
                CAPTURE(plan.kernel(), c.target, mode.name, threads);
                CHECK(got == expected);
                CHECK(same_mode);
                CHECK(raised == 0);
            }
        }
    }
    norma_shutdown();
}

TEST_CASE("results do not depend on the floating-point environment of a caller's threads", "[environment]") {
    const Environment small_grains("NORMA_GRAIN_SIZE", "64");
    const std::vector<float> x = made_up_rows();
    for (const Case &c : cases()) {
        const norma::Plan plan = plan_of(c);
        const std::vector<char> expected = run(plan, c, x, 1);
        for (const Mode &mode : modes) {
            CAPTURE(plan.kernel(), c.target, mode.name);
            CHECK(run(plan, c, x, 3, run_in_mode, &mode) == expected);
        }
    }
}
