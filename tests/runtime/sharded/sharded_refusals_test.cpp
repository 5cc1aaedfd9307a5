// SPDX-License-Identifier: MIT
// What norma/sharded.h refuses, and in which words.
#include <cstdint>
#include <vector>

#include "norma/sharded.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;

norma_sharded_desc two_ranks() {
    norma_sharded_desc desc = {};
    desc.size = sizeof desc;
    desc.norm.size = sizeof desc.norm;
    desc.norm.op = NORMA_RMS_NORM_FORWARD;
    desc.norm.hidden = 64;
    desc.norm.x = desc.norm.weight = NORMA_F32;
    desc.ranks = 2;
    return desc;
}

void refused(const norma_sharded_desc *desc, const char *message) {
    norma_sharded_plan *plan = nullptr;
    CHECK(norma_sharded_plan_create(desc, &plan) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains(message));
    CHECK(plan == nullptr);
}

template <typename Change>
void refused_with(Change change, const char *message) {
    norma_sharded_desc desc = two_ranks();
    change(desc);
    refused(&desc, message);
}

struct Run {
    norma_sharded_plan *plan = nullptr;
    norma_arguments arguments = {};
    norma_execution execution = {};
    alignas(64) float x[128] = {}, y[128] = {}, weight[64] = {};
    alignas(64) char workspace[4096];

    Run() {
        const norma_sharded_desc desc = two_ranks();
        REQUIRE(norma_sharded_plan_create(&desc, &plan) == NORMA_OK);
        arguments.size = sizeof arguments;
        arguments.x = {x, NORMA_F32, {}, 2, {2, 64}, {64, 1}};
        arguments.y = {y, NORMA_F32, {}, 2, {2, 64}, {64, 1}};
        arguments.weight = {weight, NORMA_F32, {}, 1, {64}, {1}};
        execution.size = sizeof execution;
        execution.workspace = workspace;
        execution.workspace_size = sizeof workspace;
    }
    ~Run() { norma_sharded_plan_destroy(plan); }
    Run(const Run &) = delete;
    Run &operator=(const Run &) = delete;

    // Whether an exchange was asked for: of what there is none without.
    void refused(const char *message, bool has_exchange = true) {
        bool asked = false;
        const auto exchange = [](void *communicator, const norma_exchange_request *) {
            *static_cast<bool *>(communicator) = true;
            return 1;
        };
        CHECK(norma_sharded_run(plan, &arguments, &execution, has_exchange ? +exchange : nullptr, &asked) ==
              NORMA_INVALID_ARGUMENT);
        CHECK_THAT(norma_last_error(), Contains(message));
        CHECK_FALSE(asked);
    }
};

}  // namespace

TEST_CASE("sharded plans: refusals", "[sharded]") {
    refused(nullptr, "desc is null");
    const norma_sharded_desc desc = two_ranks();
    CHECK(norma_sharded_plan_create(&desc, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("plan is null; expected where to put the plan"));
    const int64_t wrong_own[] = {65, 64}, none[] = {64, 0};
    refused_with([](auto &d) { d.size = 3; }, "desc.size is 3; expected sizeof(norma_sharded_desc)");
    refused_with([](auto &d) { d.ranks = 0; }, "desc.ranks is 0; expected 1 or more");
    refused_with([](auto &d) { d.rank = 2; }, "desc.rank is 2; expected 0 to 1, one less than desc.ranks");
    refused_with([](auto &d) { d.chunk = -1; }, "desc.chunk is -1; expected 0 to 1073741824");
    refused_with([](auto &d) { d.block = -1; }, "desc.block is -1; expected 0 or more, and 0 for a backward");
    refused_with([](auto &d) { d.block = 5, d.norm.op = NORMA_RMS_NORM_BACKWARD; },
                 "desc.block is 5; expected 0 or more, and 0 for a backward");
    refused_with([](auto &d) { d.kind = static_cast<norma_exchange_kind>(2); }, "desc.kind is 2; expected NORMA_ALL_");
    refused_with([&](auto &d) { d.slices = wrong_own; }, "desc.slices[0] is 65; expected desc.norm.hidden (64)");
    refused_with([&](auto &d) { d.slices = none; }, "desc.slices[1] is 0; expected 1 to 1073741824");
    refused_with([](auto &d) { d.norm.flags = NORMA_MERGED_STATISTICS; },
                 "desc.norm.flags is 0x100; expected none of 0x188");
    refused_with([](auto &d) { d.norm.kernel = "a"; }, "desc.norm.kernel is \"a\"; expected null");
    refused_with([](auto &d) { d.norm.x = NORMA_I8, d.norm.y = NORMA_F32; },
                 "desc.statistics is merged; expected saved where x is i8");
    refused_with([](auto &d) { d.norm.hidden = 0; }, "desc.hidden is 0; expected 1 to");
}

TEST_CASE("sharded runs: what there is no exchange without is refused at once", "[sharded]") {
    CHECK(norma_sharded_run(nullptr, nullptr, nullptr, nullptr, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("plan is null"));
    Run().refused("exchange is null; expected a function, since there are 2 ranks", false);
    const auto with = [](auto change, const char *message) {
        Run run;
        change(run);
        run.refused(message);
    };
    with([](Run &r) { r.arguments.size = 1; }, "arguments.size is 1; expected sizeof(norma_arguments)");
    with([](Run &r) { r.arguments.x.rank = 5; }, "x.rank is 5; expected 1 to 4");
    with([](Run &r) { r.arguments.x.shape[0] = -1; }, "x.shape[0] is -1; expected 0 or more");
    with([](Run &r) { r.arguments.x.shape[0] = INT64_MAX / 8; }, "rows; expected no more than fit the address space");
    with([](Run &r) { r.execution.size = 1; }, "execution.size is 1; expected sizeof(norma_execution)");
    with([](Run &r) { r.execution.threads = -1; }, "execution.threads is -1; expected 0 or more");
    with([](Run &r) { r.execution.workspace = nullptr; }, "execution.workspace has 0 bytes; expected at least ");
    with([](Run &r) { r.execution.workspace_size = 8; }, "execution.workspace has 8 bytes; expected at least ");
    with([](Run &r) { r.execution.workspace = r.workspace + 8; }, "expected a multiple of 64");
}

TEST_CASE("sharded workspace: refusals", "[sharded]") {
    const Run run;
    size_t bytes = 0;
    CHECK(norma_sharded_workspace_size(nullptr, 1, 1, &bytes) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("plan is null"));
    CHECK(norma_sharded_workspace_size(run.plan, 1, 1, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("bytes is null"));
    CHECK(norma_sharded_workspace_size(run.plan, -1, 1, &bytes) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("rows is -1; expected 0 or more"));
    CHECK(norma_sharded_workspace_size(run.plan, INT64_MAX / 8, 1, &bytes) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Contains("expected no more than fit the address space"));
}
