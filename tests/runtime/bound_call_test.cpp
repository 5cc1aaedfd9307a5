// SPDX-License-Identifier: MIT
// Calls that are bound once and run often: the bits of norma_plan_run, and what they refuse.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/forged.h"

namespace {

using namespace norma::test;

using Plan = std::unique_ptr<norma_plan, void (*)(norma_plan *)>;
using Bound = std::unique_ptr<norma_call, void (*)(norma_call *)>;

// With the workspace that the call needs.
Plan plan_for(Call &call) {
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&call.desc, &plan), "norma_plan_create");
    size_t bytes = 0;
    require_ok(norma_plan_workspace_size(plan, call.spec.rows(), call.execution.threads, &bytes), "workspace");
    call.give_workspace(bytes);
    return {plan, norma_plan_destroy};
}

// What the call was made of is scribbled over.
Bound bind_call(const Plan &plan, const Call &call) {
    norma_arguments arguments = call.arguments;
    norma_execution execution = call.execution;
    norma_call *bound = nullptr;
    require_ok(norma_bind(plan.get(), &arguments, &execution, &bound), call.spec.text());
    std::memset(&arguments, 0xa5, sizeof arguments);
    std::memset(&execution, 0xa5, sizeof execution);
    return {bound, norma_call_destroy};
}

bool has(const Call &call, int role) { return call.tensor(role).dtype != NORMA_NONE; }

// Of the outputs.
std::string all_bytes(const Call &call) {
    std::string all;
    for (int role = 0; role < role_count; role++) {
        all += has(call, role) && call.spec.is_output(role) ? call.bytes(role) : "";
    }
    return all;
}

std::string row_bytes(const Call &call, int64_t row) {
    std::string all;
    for (int role = 0; role < role_count; role++) {
        all += has(call, role) && call.spec.is_output(role) ? call.row_bytes(role, row) : "";
    }
    return all;
}

std::string gradient_bytes(const Call &call) {
    return (has(call, role_dweight) ? call.bytes(role_dweight) : "") +
           (has(call, role_dbias) ? call.bytes(role_dbias) : "");
}

CallSpec spec_of(const norma_kernel_info &kernel, std::vector<int64_t> outer) {
    CallSpec spec;
    spec.kernel = kernel;
    const int64_t multiple = kernel.hidden_multiple;
    const int64_t most = kernel.hidden_most ? std::min<int64_t>(kernel.hidden_most, 160) : 160;
    spec.hidden = kernel.hidden_exact ? kernel.hidden_exact : std::max(most / multiple, int64_t{1}) * multiple;
    spec.outer = std::move(outer);
    return spec;
}

CallSpec layer_norm_spec(std::vector<int64_t> outer = {3, 4}) {
    return spec_of(find_kernel(NORMA_LAYER_NORM_FORWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32), std::move(outer));
}

norma_kernel_info kernel_with_given_scale() {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.scale == NORMA_SCALE_TENSOR && kernel.hidden_exact == 0) {
            return kernel;
        }
    }
    FAIL("no kernel with a given scale");
    return {};
}

// A copy of a tensor with no space between its rows, so many bytes off an address that is aligned to 64.
struct Elsewhere {
    std::vector<char> memory;
    char *data;

    Elsewhere(const std::string &bytes, size_t offset) : memory(bytes.size() + offset + 64) {
        const size_t low = reinterpret_cast<uintptr_t>(memory.data()) % 64;
        data = memory.data() + (64 - low) % 64 + offset;
        std::memcpy(data, bytes.data(), bytes.size());
    }
};

void check_refused(norma_status status, const std::string &words) {
    INFO("status " << status << ": " << norma_last_error() << "; expected " << words);
    CHECK(status == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find(words) != std::string::npos);
}

void *moved(void *data, int64_t bytes) { return static_cast<char *>(data) + bytes; }

}  // namespace

TEST_CASE("a bound call of any kernel has the bits of a run, again and for fewer rows", "[bound]") {
    const Environment environment("NORMA_GRAIN_SIZE", "300");  // two rows are a task
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        for (const int32_t threads : {1, 3}) {
            CallSpec spec = spec_of(kernel, {7, 2});
            spec.threads = threads;
            spec.outer_padding = threads;  // so that the dimensions do not fold
            Call call(spec);
            INFO(spec.text());
            const Plan plan = plan_for(call);
            require_ok(norma_plan_run(plan.get(), &call.arguments, &call.execution), "norma_plan_run");
            const std::string expected = all_bytes(call);
            call.restore();
            const std::string before = all_bytes(call), last_before = row_bytes(call, 13);
            const Bound bound = bind_call(plan, call);
            CHECK(all_bytes(call) == before);
            for (const int64_t rows : {14, 14, 9, 1, 1, 0, 14}) {
                call.restore();
                require_ok(norma_call_run(bound.get(), rows), "norma_call_run");
                if (rows == 14) {
                    CHECK(all_bytes(call) == expected);
                    continue;
                }
                CallSpec fewer = spec;
                fewer.outer = {rows};
                const std::string gradients = gradient_bytes(call), last = row_bytes(call, 13);
                std::vector<std::string> first;
                for (int64_t row = 0; row < rows; row++) {
                    first.push_back(row_bytes(call, row));
                }
                CHECK(last == last_before);
                Call alone(fewer);  // in the memory of the first one
                alone.run();
                CHECK(gradient_bytes(alone) == gradients);
                for (int64_t row = 0; row < rows; row++) {
                    CHECK(row_bytes(alone, row) == first[static_cast<size_t>(row)]);
                }
            }
        }
    }
}

TEST_CASE("a bound call of any kernel runs on other data", "[bound]") {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        Call call(spec_of(kernel, {5}));
        INFO(call.spec.text());
        const Plan plan = plan_for(call);
        require_ok(norma_plan_run(plan.get(), &call.arguments, &call.execution), "norma_plan_run");
        std::vector<std::string> expected;
        for (int role = 0; role < role_count; role++) {
            expected.push_back(has(call, role) ? call.bytes(role) : "");
        }
        call.restore();
        const Bound bound = bind_call(plan, call);
        for (const size_t elements : {0, 1}) {
            std::vector<Elsewhere> elsewhere;
            for (int role = 0; role < role_count; role++) {
                const size_t offset = elements * (call.tensor(role).dtype == NORMA_F64 ? 8 : 4);
                elsewhere.emplace_back(has(call, role) ? call.bytes(role) : "", offset);
                if (has(call, role)) {
                    require_ok(norma_call_set_data(bound.get(), tensor_role(role), elsewhere.back().data),
                               roles[role].name);
                }
            }
            for (int again = 0; again < 2; again++) {
                require_ok(norma_call_run(bound.get(), 5), "norma_call_run");
            }
            CHECK(call.untouched());
            for (int role = 0; role < role_count; role++) {
                INFO(roles[role].name);
                const std::string &bytes = expected[static_cast<size_t>(role)];
                CHECK(std::string(elsewhere[static_cast<size_t>(role)].data, bytes.size()) == bytes);
            }
        }
    }
}

TEST_CASE("a bound call refuses other numbers of rows than it has", "[bound]") {
    Call call(layer_norm_spec());
    const Plan plan = plan_for(call);
    const Bound bound = bind_call(plan, call);
    check_refused(norma_call_run(bound.get(), -1), "rows is -1; expected 0 to 12, as the call was bound");
    check_refused(norma_call_run(bound.get(), 13), "rows is 13; expected 0 to 12");
    check_refused(norma_call_run(bound.get(), INT64_MAX), "rows is 9223372036854775807; expected 0 to 12");
    check_refused(norma_call_run(nullptr, 1), "call is null");
    CHECK(norma_call_run(bound.get(), 0) == NORMA_OK);
    CHECK(call.untouched());
}

TEST_CASE("what cannot be bound leaves no call", "[bound]") {
    Call call(layer_norm_spec());
    const Plan plan = plan_for(call);
    norma_call *bound = reinterpret_cast<norma_call *>(&call);
    check_refused(norma_bind(nullptr, &call.arguments, &call.execution, &bound), "plan is null");
    CHECK(bound == nullptr);
    check_refused(norma_bind(plan.get(), nullptr, &call.execution, &bound), "arguments is null");
    check_refused(norma_bind(plan.get(), &call.arguments, nullptr, &bound), "execution.workspace is null");
    check_refused(norma_bind(plan.get(), &call.arguments, &call.execution, nullptr),
                  "call is null; expected where to put the call");
    norma_call_destroy(nullptr);
    CHECK(call.untouched());
}

TEST_CASE("data that no call could have is refused, and the call keeps what it had", "[bound]") {
    Call call(layer_norm_spec());
    const Plan plan = plan_for(call);
    const Bound bound = bind_call(plan, call);
    for (int role = 0; role < role_count; role++) {
        const std::string name = roles[role].name;
        void *const data = call.tensor(role).data;
        if (!has(call, role)) {
            check_refused(norma_call_set_data(bound.get(), tensor_role(role), &call),
                          "which is " + name + "; expected a tensor that the call has");
            continue;
        }
        check_refused(norma_call_set_data(bound.get(), tensor_role(role), nullptr), name + ".data is null");
        check_refused(norma_call_set_data(bound.get(), tensor_role(role), moved(data, -2)), name + ".data is 0x");
        check_refused(norma_call_set_data(bound.get(), tensor_role(role), reinterpret_cast<void *>(~uintptr_t{3})),
                      name + ": its shape and strides reach beyond the address space");
    }
    for (const int role : {0, -1, role_count + 1, 1 << 30}) {
        check_refused(norma_call_set_data(bound.get(), forged<norma_tensor_role>(role), &call),
                      "role is " + std::to_string(role) + "; expected a norma_tensor_role, 1 to 19");
    }
    check_refused(norma_call_set_data(nullptr, NORMA_TENSOR_X, &call), "call is null");
    CHECK(call.untouched());
    require_ok(norma_call_run(bound.get(), 12), "norma_call_run");
    CHECK(call.check() == "");
}

TEST_CASE("data that overlaps is refused by the run, until other data is set", "[bound]") {
    Call call(layer_norm_spec());
    const Plan plan = plan_for(call);
    const Bound bound = bind_call(plan, call);
    const struct {
        int role, onto;
        int64_t bytes;
        const char *words;
    } overlaps[] = {
        {role_y, role_x, 0, "expected a plan with NORMA_Y_IN_PLACE"},
        {role_x, role_y, 0, "expected a plan with NORMA_Y_IN_PLACE"},
        {role_residual_out, role_weight, 4, "residual_out.data is 0x"},
        {role_weight, role_residual_out, 640, "overlaps weight"},
        {role_mean, role_rstd, 4, "overlaps mean"},
    };
    for (const auto &o : overlaps) {
        void *const data = call.tensor(o.role).data;
        require_ok(norma_call_set_data(bound.get(), tensor_role(o.role), moved(call.tensor(o.onto).data, o.bytes)),
                   o.words);
        for (int again = 0; again < 2; again++) {
            check_refused(norma_call_run(bound.get(), 12), o.words);
        }
        CHECK(call.untouched());
        require_ok(norma_call_set_data(bound.get(), tensor_role(o.role), data), o.words);
        require_ok(norma_call_run(bound.get(), 12), o.words);
        CHECK(call.check() == "");
        call.restore();
    }
}

TEST_CASE("tensors in place move one after the other", "[bound]") {
    CallSpec spec = layer_norm_spec();
    spec.y_in_place = true;
    Call call(spec);
    const Plan plan = plan_for(call);
    const Bound bound = bind_call(plan, call);
    Elsewhere x(call.bytes(role_x), 0);
    require_ok(norma_call_run(bound.get(), 12), "where it was");
    const std::string expected = call.bytes(role_y);
    require_ok(norma_call_set_data(bound.get(), NORMA_TENSOR_X, x.data), "x");
    require_ok(norma_call_set_data(bound.get(), NORMA_TENSOR_Y, x.data), "y");
    require_ok(norma_call_run(bound.get(), 12), "elsewhere");
    CHECK(std::string(x.data, expected.size()) == expected);
}

TEST_CASE("a given scale is looked at in each run", "[bound]") {
    Call call(spec_of(kernel_with_given_scale(), {3}));
    const Plan plan = plan_for(call);
    float scale = NAN;
    call.arguments.y_scale.data = &scale;
    const Bound bound = bind_call(plan, call);
    for (const float bad : {NAN, 0.0F, -1.0F, INFINITY}) {
        scale = bad;
        check_refused(norma_call_run(bound.get(), 3), "y_scale is ");
    }
    CHECK(norma_call_run(bound.get(), 0) == NORMA_OK);
    CHECK(call.untouched());
    scale = 0.5F;
    require_ok(norma_call_run(bound.get(), 3), "norma_call_run");
}

TEST_CASE("a loop that failed once does not spoil the call", "[bound]") {
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    CallSpec spec = layer_norm_spec({40});
    spec.threads = 4;
    Call call(spec);
    const Plan plan = plan_for(call);
    bool fail = true;
    call.execution.parallel_for_context = &fail;
    call.execution.parallel_for = [](void *context, int64_t count, norma_task task, void *data) {
        for (int64_t i = count - 1; i >= 0; i--) {
            task(data, i);
        }
        return *static_cast<bool *>(context) ? 7 : 0;
    };
    const Bound bound = bind_call(plan, call);
    for (const bool bad : {true, false, true, false}) {
        fail = bad;
        call.restore();
        CHECK(norma_call_run(bound.get(), 40) == (bad ? NORMA_PARALLEL_FOR_FAILED : NORMA_OK));
        CHECK((bad || call.check().empty()));
    }
}

TEST_CASE("zero threads are those that there were when the call was bound", "[bound]") {
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    require_ok(norma_set_num_threads(2), "norma_set_num_threads");
    CallSpec spec = layer_norm_spec({64});
    spec.threads = 0;
    Call call(spec);
    const Plan plan = plan_for(call);  // a workspace for two
    const Bound bound = bind_call(plan, call);
    require_ok(norma_set_num_threads(8), "norma_set_num_threads");
    require_ok(norma_call_run(bound.get(), 64), "norma_call_run");
    CHECK(call.check() == "");
    require_ok(norma_set_num_threads(0), "norma_set_num_threads");
}

TEST_CASE("calls of one plan run on eight threads at once", "[bound]") {
    const CallSpec spec = layer_norm_spec({20});
    Call first(spec);
    const Plan plan = plan_for(first);
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++) {
        threads.emplace_back([&] {
            Call call(spec);
            size_t bytes = 0;
            norma_plan_workspace_size(plan.get(), 20, 1, &bytes);
            call.give_workspace(bytes);
            norma_call *bound = nullptr;
            if (norma_bind(plan.get(), &call.arguments, &call.execution, &bound) != NORMA_OK) {
                return;
            }
            for (int i = 0; i < 50; i++) {
                call.restore();
                good += norma_call_run(bound, 20) == NORMA_OK && call.check().empty();
            }
            norma_call_destroy(bound);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(good == 8 * 50);
}
