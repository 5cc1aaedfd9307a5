// SPDX-License-Identifier: MIT
// Every kernel of the library on every target that this CPU executes, against float64, with ordinary and streaming
// stores.
#include <functional>
#include <stdexcept>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/shapes.h"

namespace {

using namespace norma::test;

void run_and_check(const CallSpec &spec) {
    Call call(spec);
    std::string outputs[2];
    for (norma_store store : {NORMA_STORE_ORDINARY, NORMA_STORE_STREAMING}) {
        call.restore();
        call.execution.store = store;
        call.run();
        for (int role = role_y; role < role_count; role++) {
            outputs[store == NORMA_STORE_STREAMING] += call.bytes(role);
        }
    }
    const std::string problem =
        outputs[0] != outputs[1] ? "bits differ between ordinary and streaming stores" : call.check();
    if (!problem.empty()) {
        throw std::runtime_error(spec.text() + ": " + problem);
    }
}

// The first failure of a kernel ends its turn.
bool any(const CallSpec &) { return true; }

void for_every_kernel(const std::function<void(CallSpec)> &test, bool (*wanted)(const CallSpec &) = any) {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        CallSpec spec;
        spec.kernel = kernel;
        if (!wanted(spec)) {
            continue;
        }
        std::string problem;
        try {
            test(spec);
        } catch (const std::exception &error) {
            problem = error.what();
        }
        INFO(problem);
        CHECK(problem.empty());
        INFO(label(kernel) << " was never run");
        CHECK(was_run(kernel));
    }
}

// Sizes of a list that the kernel runs; at least one.
std::vector<int64_t> sizes_for(const norma_kernel_info &kernel, const std::vector<int64_t> &list) {
    std::vector<int64_t> sizes;
    for (int64_t hidden : list) {
        if (can_run(kernel, hidden)) {
            sizes.push_back(hidden);
        }
    }
    if (sizes.empty()) {
        sizes.push_back(kernel.hidden_exact != 0 ? kernel.hidden_exact : kernel.hidden_multiple);
    }
    return sizes;
}

std::vector<int64_t> list(const char *key) { return shapes().at(key); }

}  // namespace

TEST_CASE("the library holds kernels that this CPU runs", "[kernels]") { REQUIRE_FALSE(runnable_kernels().empty()); }

TEST_CASE("every kernel: each short row", "[kernels]") {
    std::vector<int64_t> sizes;
    for (int64_t d = shapes()["short_hidden"]["from"]; d <= shapes()["short_hidden"]["to"]; d++) {
        sizes.push_back(d);
    }
    for_every_kernel([&](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, sizes)) {
            spec.hidden = hidden;
            spec.weight_offset = static_cast<float>(hidden % 2);
            spec.save_statistics = hidden % 3 != 0;
            spec.f32_gradients = hidden % 4 == 1;
            spec.accumulate = hidden % 3 == 1;
            spec.one_x_scale = hidden % 4 >= 2;
            spec.eps = hidden % 5 == 0 ? 1e-12F : 1e-5F;
            run_and_check(spec);
        }
    });
}

TEST_CASE("every kernel: long rows", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("long_hidden"))) {
            spec.hidden = hidden;
            spec.outer = {hidden > 2048 ? 1 : 3};
            spec.weight_offset = static_cast<float>(hidden % 3 == 0);
            run_and_check(spec);
        }
    });
}

TEST_CASE("every kernel: numbers of rows", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("rows_hidden"))) {
            for (int64_t rows : list("rows")) {
                if (rows * hidden <= 257 * 96 || rows == 3) {
                    spec.hidden = hidden;
                    spec.outer = {rows};
                    spec.threads = 1 + static_cast<int32_t>(rows % 2);
                    run_and_check(spec);
                }
            }
        }
    });
}

TEST_CASE("every kernel: strides, ranks, and bases off the vectors' alignment", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("strided_hidden"))) {
            for (const auto &outer : shapes()["outer"]) {
                spec.hidden = hidden;
                spec.outer = outer.get<std::vector<int64_t>>();
                const int64_t variation = hidden + static_cast<int64_t>(outer.size());
                spec.row_padding = variation % 3 == 0 ? 0 : variation % 7;
                spec.outer_padding = variation % 2 == 0 ? 0 : 129;
                spec.offset = variation % 4 - 1;
                spec.save_statistics = variation % 5 != 0;
                run_and_check(spec);
            }
        }
    });
}

TEST_CASE("every kernel: rows that break implementations", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("adversarial_hidden"))) {
            for (int kind = 0; kind < static_cast<int>(RowKind::count); kind++) {
                const bool denormal = kind == static_cast<int>(RowKind::denormal);
                for (float eps : {1e-5F, denormal ? 1.0F : 1e-12F, 0.0F}) {  // 1: y is denormal too
                    spec.hidden = hidden;
                    spec.outer = {hidden > 512 ? 2 : 4};
                    spec.kind = static_cast<RowKind>(kind);
                    spec.eps = eps;
                    spec.offset = hidden == 128 ? 1 : -1;
                    // Of a zero or constant row there is no gradient without eps.
                    const bool meaningful =
                        has_result(spec) &&
                        (eps > 0 || (!spec.backward() && allows_zero_eps(spec.kind, spec.kernel.x)));
                    if (meaningful && (hidden <= 2048 || eps == 1e-5F)) {
                        run_and_check(spec);
                    }
                }
            }
        }
    });
}

TEST_CASE("every forward: rows of one number, with an eps as small as there is", "[kernels]") {
    for_every_kernel(
        [](CallSpec spec) {
            spec.hidden = sizes_for(spec.kernel, {70, 64}).front();
            for (RowKind kind : {RowKind::lowest, RowKind::tenth}) {
                for (float eps : {0x1p-64F, 1e-30F, 1e-45F}) {
                    spec.kind = kind;
                    spec.eps = eps;
                    if (has_result(spec)) {
                        run_and_check(spec);
                    }
                }
            }
        },
        [](const CallSpec &spec) { return !spec.backward(); });
}

TEST_CASE("every kernel: long rows that break implementations", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("longest_adversarial_hidden"))) {
            for (RowKind kind : {RowKind::shifted, RowKind::far, RowKind::near_limit, RowKind::tenth, RowKind::spike}) {
                spec.hidden = hidden;
                spec.outer = {1};
                spec.kind = kind;
                run_and_check(spec);
            }
        }
    });
}

// The least scale there is: 0 / 1e-45, not 0 * infinity.
TEST_CASE("every kernel with a given scale: rows of zeros are zero at any scale", "[kernels]") {
    int kernels = 0;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.scale != NORMA_SCALE_TENSOR || kernel.bias != NORMA_NONE) {
            continue;
        }
        kernels++;
        CallSpec spec;
        spec.kernel = kernel;
        spec.hidden = sizes_for(kernel, {70, 64}).front();
        spec.kind = RowKind::zero;
        const auto zero = static_cast<char>(kernel.y == NORMA_U8 ? spec.zero_point : 0);
        const bool is_float8 = kernel.y == NORMA_F8_E4M3 || kernel.y == NORMA_F8_E5M2;
        const auto minus_zero = is_float8 ? '\x80' : zero;
        for (float scale : {1e-45F, 1e-38F, 1.0F, 3e38F}) {
            Call call(spec);
            call.arguments.y_scale.data = &scale;
            call.run();
            for (char y : call.bytes(role_y)) {
                if (y != zero && y != minus_zero) {
                    FAIL_CHECK(spec.text() << ": y is " << int{y} << " at scale " << scale);
                    break;
                }
            }
        }
    }
    if (kernels == 0) {
        WARN("the library has no kernel that takes the scale of a tensor");
    }
}

TEST_CASE("every kernel: in place", "[kernels]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes_for(spec.kernel, list("strided_hidden"))) {
            spec.hidden = hidden;
            spec.outer = {7};
            spec.row_padding = hidden % 3;
            spec.y_in_place = spec.kernel.x == spec.kernel.y;
            spec.residual_out_in_place = spec.kernel.residual != NORMA_NONE;
            spec.dx_in_place = spec.backward() && spec.kernel.residual == spec.kernel.x;
            run_and_check(spec);
        }
    });
}
