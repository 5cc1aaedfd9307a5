// SPDX-License-Identifier: MIT
// Whatever a caller does to its floating-point environment, results are those of the standard one.
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <norma/norma.hpp>
#include <set>

#include "tests/support/call.h"
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

// What a run wrote: y, then y_scale; nothing where a bound call writes something else.
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
    norma::Call call = plan.bind(arguments, execution, workspace);
    call.run(rows);
    const std::vector<char> bound = out;
    std::fill(out.begin(), out.end(), '\0');
    plan.run(arguments, execution, workspace);
    return out == bound ? out : std::vector<char>();
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

// Of this thread, while it lives.
class InMode {
public:
    explicit InMode(const Mode &mode) {
        std::fegetenv(&before_);
        entered_ = mode.enter();
    }
    ~InMode() { std::fesetenv(&before_); }
    InMode(const InMode &) = delete;
    InMode &operator=(const InMode &) = delete;

    bool entered() const { return entered_; }

private:
    std::fenv_t before_;
    bool entered_;
};

// A loop of a caller whose own threads are in the mode.
int run_in_mode(void *mode, int64_t count, norma_task task, void *data) {
    for (int64_t i = 0; i < count; i++) {
        const InMode in_mode(*static_cast<const Mode *>(mode));
        task(data, i);
    }
    return 0;
}

// dweight and dbias of LayerNorm, of strips whose sums are added up by tasks of their own.
std::vector<float> gradients(norma_parallel_for parallel_for, const void *context) {
    constexpr int64_t many = 1024;
    const std::vector<float> x = made_up_rows();
    std::vector<float> dx(many * hidden), mean(many, 0.1F), rstd(many, 0.9F), sums(2 * hidden);
    norma_arguments arguments = norma::arguments(1e-5F);
    // Of the same rows again and again.
    arguments.x = arguments.dy = norma::tensor(x.data(), NORMA_F32, {many, hidden}, {1, 1});
    arguments.dx = norma::tensor(dx.data(), {many, hidden});
    arguments.mean = norma::tensor(mean.data(), {many});
    arguments.rstd = norma::tensor(rstd.data(), {many});
    const std::vector<float> weight(hidden, 1.25F);
    arguments.weight = norma::tensor(weight.data(), {hidden});
    arguments.dweight = norma::tensor(sums.data(), {hidden});
    arguments.dbias = norma::tensor(sums.data() + hidden, {hidden});
    norma_execution execution = norma::execution(3);
    execution.parallel_for = parallel_for;
    execution.parallel_for_context = const_cast<void *>(context);
    norma::Workspace workspace;
    const norma::Plan plan(norma::describe(NORMA_LAYER_NORM_BACKWARD, hidden, NORMA_F32, NORMA_F32, NORMA_F32));
    plan.run(arguments, execution, workspace);
    return sums;
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
    for (const Case &c : cases()) {
        const norma::Plan plan = plan_of(c);
        const std::vector<char> expected = run(plan, c, x, 1);
        for (const Mode &mode : modes) {
            for (const int threads : {1, 3}) {
                norma_shutdown();  // the pool is made by a caller in the mode
                std::vector<char> got;
                int raised = 0;
                bool same_mode = false;
                {
                    const InMode in_mode(mode);
                    std::feclearexcept(FE_ALL_EXCEPT);
                    const int rounding = std::fegetround(), traps = fegetexcept();
                    got = in_mode.entered() ? run(plan, c, x, threads) : expected;
                    raised = std::fetestexcept(FE_ALL_EXCEPT);
                    same_mode = std::fegetround() == rounding && fegetexcept() == traps;
                }
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

TEST_CASE("gradients do not depend on the floating-point environment of a caller's threads", "[environment]") {
    const Environment small_grains("NORMA_GRAIN_SIZE", "64");
    const std::vector<float> expected = gradients(nullptr, nullptr);
    for (const Mode &mode : modes) {
        CAPTURE(mode.name);
        CHECK(gradients(run_in_mode, &mode) == expected);
    }
}

TEST_CASE("a caller's loop runs in the caller's floating-point environment", "[environment]") {
    const Environment small_grains("NORMA_GRAIN_SIZE", "64");
    volatile float sum = 0;
    const auto loop = [](void *rounded, int64_t count, norma_task task, void *data) {
        for (int64_t i = 0; i < count; i++) {
            task(data, i);
        }
        volatile float one = 1, little = 1e-20F;
        *static_cast<volatile float *>(rounded) = one + little;
        return 0;
    };
    {
        const InMode upward({"", [] { return std::fesetround(FE_UPWARD) == 0; }});
        gradients(loop, const_cast<float *>(&sum));
    }
    CHECK(sum > 1);
}

TEST_CASE("what is refused does not depend on the caller's floating-point environment", "[environment]") {
    CallSpec spec;
    const std::vector<norma_kernel_info> kernels = runnable_kernels();
    const auto given = std::find_if(kernels.begin(), kernels.end(), [](const norma_kernel_info &kernel) {
        return kernel.scale == NORMA_SCALE_TENSOR && kernel.hidden_exact == 0;
    });
    REQUIRE(given != kernels.end());
    spec.kernel = *given;
    spec.hidden = spec.kernel.hidden_multiple;
    Call call(spec);
    float scale = 1;
    call.arguments.y_scale.data = &scale;
    const norma_arguments good = call.arguments;
    const struct {
        float eps, weight_offset, scale;
        const char *message;  // none where nothing is refused
    } cases[] = {{NAN, 0, 1, "eps is nan; expected"},
                 {-1e-45F, 0, 1, "eps is -1.401"},
                 {0, NAN, 1, "weight_offset is nan; expected"},
                 {0, 0, NAN, "y_scale is nan; expected"},
                 {0, 0, -1e-45F, "y_scale is -1.401"},
                 {1e-45F, -1e-45F, 1e-45F, ""},
                 {-0.0F, 0, 1, ""}};
    for (const Mode &mode : modes) {
        for (const auto &c : cases) {
            call.arguments = good;
            call.arguments.eps = c.eps;
            call.arguments.weight_offset = c.weight_offset;
            scale = c.scale;
            norma_status status = NORMA_OK;
            int raised = 0;
            {
                const InMode in_mode(mode);
                std::feclearexcept(FE_ALL_EXCEPT);
                status = norma_run(&call.desc, &call.arguments, &call.execution);
                raised = std::fetestexcept(FE_ALL_EXCEPT);
            }
            CAPTURE(mode.name, c.message, norma_last_error());
            CHECK(status == (*c.message == '\0' ? NORMA_OK : NORMA_INVALID_ARGUMENT));
            CHECK((status == NORMA_OK || std::string(norma_last_error()).find(c.message) == 0));
            CHECK(raised == 0);
        }
    }
}
