// SPDX-License-Identifier: MIT
// What the library says of itself: its contents, its version, and on stderr nothing unless asked.
#include <set>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/forged.h"
#include "tests/support/stderr_of.h"

namespace {

using namespace norma::test;

bool contains(const std::string &text, const std::string &words) { return text.find(words) != std::string::npos; }

void make_run_and_fail() {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    Call call(spec);
    call.desc.target = call.desc.kernel = nullptr;
    call.run();
    norma_plan_cache_set_capacity(-1);
}

}  // namespace

TEST_CASE("kernels and targets can be listed", "[library]") {
    REQUIRE(norma_kernel_count() > 0);
    REQUIRE(norma_target_count() > 0);
    std::set<std::string> targets, labels;
    int chosen = 0;
    for (int32_t i = 0; i < norma_target_count(); i++) {
        norma_target_info target = {};
        target.size = sizeof(target);
        require_ok(norma_get_target_info(i, &target), "norma_get_target_info");
        CHECK(std::string(target.halide).find("-64-linux") != std::string::npos);
        CHECK((!target.chosen || target.runnable));
        CHECK((chosen == 0 || !target.chosen));
        chosen += target.chosen;
        targets.insert(target.name);
    }
    CHECK(chosen == 1);
    CHECK(targets.size() == static_cast<size_t>(norma_target_count()));
    for (const norma_kernel_info &kernel : all_kernels()) {
        CHECK(targets.count(kernel.target) == 1);
        CHECK(labels.insert(label(kernel)).second);
        CHECK(kernel.strategy != std::string());
        CHECK(kernel.knobs[0] == '{');
        CHECK(kernel.origin != std::string());
    }
}

TEST_CASE("a forced target is the chosen one in the list", "[library]") {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        const Environment environment("NORMA_TARGET", kernel.target);
        for (int32_t i = 0; i < norma_target_count(); i++) {
            norma_target_info target = {};
            target.size = sizeof(target);
            require_ok(norma_get_target_info(i, &target), "norma_get_target_info");
            CHECK((target.chosen != 0) == (target.name == std::string(kernel.target)));
        }
    }
}

TEST_CASE("lists refuse what they do not have", "[library]") {
    norma_kernel_info kernel = {};
    norma_target_info target = {};
    kernel.size = sizeof(kernel);
    target.size = sizeof(target);
    for (int32_t index : {-1, norma_kernel_count()}) {
        CHECK(norma_get_kernel_info(index, &kernel) == NORMA_INVALID_ARGUMENT);
        CHECK(contains(norma_last_error(), "index is " + std::to_string(index)));
        CHECK(kernel.name == nullptr);
    }
    for (int32_t index : {-1, norma_target_count()}) {
        CHECK(norma_get_target_info(index, &target) == NORMA_INVALID_ARGUMENT);
        CHECK(contains(norma_last_error(), "index is " + std::to_string(index)));
        CHECK(target.name == nullptr);
    }
    CHECK(norma_get_kernel_info(0, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK(norma_get_target_info(0, nullptr) == NORMA_INVALID_ARGUMENT);
    kernel.size = target.size = 8;
    CHECK(norma_get_kernel_info(0, &kernel) == NORMA_INVALID_ARGUMENT);
    CHECK(contains(norma_last_error(), "info.size is 8"));
    CHECK(norma_get_target_info(0, &target) == NORMA_INVALID_ARGUMENT);
    CHECK(contains(norma_last_error(), "info.size is 8"));
}

TEST_CASE("every status has a name of its own", "[library]") {
    std::set<std::string> names;
    for (int status = NORMA_OK; status <= NORMA_INTERNAL; status++) {
        names.insert(norma_status_string(static_cast<norma_status>(status)));
    }
    CHECK(names.size() == NORMA_INTERNAL + 1);
    CHECK(names.count("unknown status") == 0);
    CHECK(std::string(norma_status_string(forged<norma_status>(99))) == "unknown status");
}

TEST_CASE("the version is that of the header", "[library]") {
    CHECK(norma_version() == std::to_string(NORMA_VERSION_MAJOR) + "." + std::to_string(NORMA_VERSION_MINOR) + "." +
                                 std::to_string(NORMA_VERSION_PATCH));
}

TEST_CASE("nothing is printed unless asked", "[library]") {
    CHECK(stderr_of(make_run_and_fail) == "");
    const Environment environment("NORMA_VERBOSE", "none");
    CHECK(stderr_of(make_run_and_fail) == "");
}

TEST_CASE("each level of NORMA_VERBOSE prints more", "[library]") {
    struct Level {
        const char *name;
        bool error, info, dispatch, run;
    };
    const Level levels[] = {{"error", true, false, false, false},
                            {"info", true, true, false, false},
                            {"dispatch", true, true, true, false},
                            {"all", true, true, true, true}};
    for (const Level &level : levels) {
        const Environment environment("NORMA_VERBOSE", level.name);
        const std::string text = stderr_of(make_run_and_fail);
        INFO(level.name << ": " << text);
        CHECK(contains(text, "norma: error: invalid argument: plans is -1") == level.error);
        CHECK(contains(text, "norma: info: plan: kernel rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.64n") ==
              level.info);
        CHECK(contains(text, "norma: dispatch: kernel rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.any: skipped") ==
              level.dispatch);
        CHECK(contains(text, "norma: run: ") == level.run);
    }
}

TEST_CASE("a level of NORMA_VERBOSE that is none refuses a plan, and prints nothing", "[library]") {
    for (const char *level : {"loud", "1", "Info", "info "}) {
        const Environment environment("NORMA_VERBOSE", level);
        INFO(level);
        CHECK(stderr_of([] {
                  norma_plan *plan = nullptr;
                  CallSpec spec;
                  spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
                  spec.hidden = 64;
                  const norma_plan_desc desc = describe(spec);
                  CHECK(norma_plan_create(&desc, &plan) == NORMA_INVALID_ARGUMENT);
              }) == "");
        CHECK(norma_last_error() ==
              "NORMA_VERBOSE is \"" + std::string(level) + "\"; expected one of none, error, info, dispatch, all");
    }
}

TEST_CASE("the store is chosen by footprint, unless the call chooses", "[library]") {
    struct Choice {
        norma_store store;
        const char *threshold;
        int64_t hidden;
        const char *mode;  // 1 streams, 2 also prefetches, which pays for rows of some length
    };
    const Choice choices[] = {
        {NORMA_STORE_AUTO, "1000000", 1024, "store mode 0"},
        {NORMA_STORE_AUTO, "1000", 1024, "store mode 2"},
        {NORMA_STORE_AUTO, "1000", 64, "store mode 1"},
        {NORMA_STORE_AUTO, "1000", 1001, "store mode 0"},  // rows begin inside of lines
        {NORMA_STORE_STREAMING, "1000000", 1001, "store mode 2"},
        {NORMA_STORE_ORDINARY, "1", 1024, "store mode 0"},
        {NORMA_STORE_STREAMING, "1000000", 64, "store mode 1"},
        {NORMA_STORE_STREAMING, "1000000", 1024, "store mode 2"},
    };
    const Environment verbose("NORMA_VERBOSE", "all");
    for (const Choice &choice : choices) {
        const Environment threshold("NORMA_STREAMING_THRESHOLD", choice.threshold);
        const std::string text = stderr_of([&] {
            CallSpec spec;
            spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
            spec.hidden = choice.hidden;
            spec.store = choice.store;
            Call(spec).run();
        });
        INFO(text << "expected " << choice.mode);
        CHECK(contains(text, choice.mode));
    }
}
