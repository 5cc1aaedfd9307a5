// SPDX-License-Identifier: MIT
// A library of tests/data/relaxed.json: kernels of the contract relaxed, of Halide's autoschedulers and of ours.
#include <set>

#include "tests/support/call.h"
#include "tests/support/catch.h"

namespace {

using namespace norma::test;

std::string strategy_of(const norma_kernel_info &kernel) { return kernel.strategy; }

norma_plan_desc relaxed_desc(norma_dtype x) {
    norma_plan_desc desc = {};
    desc.size = sizeof desc;
    desc.op = NORMA_RMS_NORM_FORWARD;
    desc.contract = NORMA_RELAXED;
    desc.hidden = 768;
    desc.x = desc.weight = x;
    return desc;
}

norma_status status_of(const norma_plan_desc &desc, std::string *kernel = nullptr) {
    norma_plan *plan = nullptr;
    const norma_status status = norma_plan_create(&desc, &plan);
    if (kernel != nullptr) {
        *kernel = norma_plan_kernel(plan);
    }
    norma_plan_destroy(plan);
    return status;
}

}  // namespace

TEST_CASE("every strategy keeps within the error that relaxed promises, and within its tensors") {
    std::set<std::string> strategies;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        INFO(label(kernel) << " of " << strategy_of(kernel));
        strategies.insert(strategy_of(kernel));
        CallSpec spec;
        spec.kernel = kernel;
        for (const int64_t hidden : {1, 3, 17, 64, 100, 768, 1000, 4096}) {
            if (!can_run(kernel, hidden)) {
                continue;
            }
            spec.hidden = hidden;
            for (const int64_t rows : {1, 2, 5, 33, 67}) {
                spec.outer = {rows};
                spec.row_padding = rows % 3;
                spec.save_statistics = rows % 2 == 0;
                spec.threads = 1 + static_cast<int32_t>(rows % 2);
                for (const RowKind kind :
                     {RowKind::normal, RowKind::shifted, RowKind::far, RowKind::alternating, RowKind::spike}) {
                    spec.kind = kind;
                    Call call(spec);
                    call.run();
                    INFO(spec.text());
                    REQUIRE(call.check() == "");
                }
            }
        }
    }
    CHECK(strategies == std::set<std::string>{"adams2019", "cpu_rows", "li2018", "mullapudi2016"});
}

TEST_CASE("a relaxed kernel is taken when it is asked for, and for nothing else") {
    std::string kernel;
    norma_plan_desc desc = relaxed_desc(NORMA_F32);
    CHECK(status_of(desc, &kernel) == NORMA_OK);
    CHECK(kernel == "rms_norm_forward.x_f32.w_f32.y_f32.relaxed.768");
    desc.hidden = 100;
    CHECK(status_of(desc, &kernel) == NORMA_OK);
    CHECK(kernel == "rms_norm_forward.x_f32.w_f32.y_f32.relaxed.any");
    desc.contract = NORMA_FP32_ONCE;
    CHECK(status_of(desc) == NORMA_NOT_IN_LIBRARY);

    desc = relaxed_desc(NORMA_F16);
    CHECK(status_of(desc) == NORMA_NOT_IN_LIBRARY);
    CHECK(std::string(norma_last_error()).find(R"("contract": "relaxed", "hidden": "64n_to_1024"})") !=
          std::string::npos);
}

TEST_CASE("relaxed kernels run nothing in place") {
    for (const uint32_t flag : {NORMA_Y_IN_PLACE, NORMA_RESIDUAL_OUT_IN_PLACE}) {
        norma_plan_desc desc = relaxed_desc(NORMA_F32);
        desc.residual = NORMA_F32;
        desc.flags = flag;
        CHECK(status_of(desc) == NORMA_INVALID_ARGUMENT);
        CHECK(std::string(norma_last_error()) == "desc.flags is " +
                                                     std::string(flag == NORMA_Y_IN_PLACE ? "0x2" : "0x4") +
                                                     "; expected nothing in place (0x6) with contract relaxed");
    }
}
