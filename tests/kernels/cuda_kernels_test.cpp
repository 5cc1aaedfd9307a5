// SPDX-License-Identifier: MIT
// Every CUDA kernel of a library through Norma's plans and runs: against float64, and with the same bits wherever a row
// stands. In CTest those of manifests/cuda-test.json on the fake driver, whose PTX interpreter executes them.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/cuda_device.h"
#include "tests/support/environment.h"

namespace {

using namespace norma::test;

// One that the kernel was made for; of a class, with a tail in every loop.
int64_t usual_size(const norma_kernel_info &kernel) {
    const int64_t size = kernel.hidden_multiple * (kernel.hidden_multiple > 1 ? 13 : 997);
    return kernel.hidden_exact != 0  ? kernel.hidden_exact
           : kernel.hidden_most != 0 ? std::min<int64_t>(size, kernel.hidden_most)
                                     : size;
}

std::vector<int64_t> sizes(const norma_kernel_info &kernel) {
    if (kernel.hidden_exact != 0) {
        return {kernel.hidden_exact};
    }
    const int64_t step = kernel.hidden_multiple;
    return {step, usual_size(kernel), kernel.hidden_most != 0 ? kernel.hidden_most : 4096 + step};
}

// NORMA_TEST_SHARD, as "2/14": only every 14th kernel, from the second on.
std::vector<norma_kernel_info> kernels_of_this_process() {
    const char *shard = std::getenv("NORMA_TEST_SHARD");
    size_t first = 1, step = 1;
    if (shard != nullptr) {
        char slash = 0;
        std::istringstream text(shard);
        REQUIRE((text >> first >> slash >> step && slash == '/' && first >= 1 && first <= step));
    }
    const std::vector<norma_kernel_info> all = runnable_kernels();
    std::vector<norma_kernel_info> kernels;
    for (size_t i = first - 1; i < all.size(); i += step) {
        kernels.push_back(all[i]);
    }
    return kernels;
}

bool any(const CallSpec &) { return true; }

// The first failure of a kernel ends its turn.
void for_every_kernel(const std::function<void(CallSpec)> &test, bool (*wanted)(const CallSpec &) = any) {
    setenv("NORMA_TEST_DEVICE", "cuda", 1);
    use_cuda();
    const std::vector<norma_kernel_info> kernels = kernels_of_this_process();
    REQUIRE_FALSE(kernels.empty());
    for (const norma_kernel_info &kernel : kernels) {
        CallSpec spec;
        spec.kernel = kernel;
        spec.hidden = usual_size(kernel);
        if (!wanted(spec)) {
            continue;
        }
        std::string problem;
        try {
            test(spec);
        } catch (const std::exception &error) {
            problem = error.what();
        }
        INFO(label(kernel) << ": " << problem);
        CHECK(problem.empty());
        CHECK(was_run(kernel));
    }
}

// Of a row's outputs. Memory is used again by the next call.
std::string bits(const CallSpec &spec, int64_t row) {
    Call call(spec);
    call.run();
    std::string all;
    for (int role = 0; role < role_count; role++) {
        all += spec.is_output(role) ? call.row_bytes(role, row) : "";
    }
    return all;
}

// Whether the library has a kernel of the same bits for data of any alignment.
bool has_sibling(const norma_kernel_info &kernel) {
    std::string name = kernel.name;
    name.insert(name.rfind('.', name.rfind('.') - 1), ".a_any");
    const std::vector<norma_kernel_info> kernels = runnable_kernels();
    return std::any_of(kernels.begin(), kernels.end(), [&](const norma_kernel_info &other) {
        return other.name == name && std::string(other.target) == kernel.target;
    });
}

void run_and_check(const CallSpec &spec) {
    Call call(spec);
    call.run();
    if (const std::string problem = call.check(); !problem.empty()) {
        throw std::runtime_error(spec.text() + ": " + problem);
    }
}

}  // namespace

TEST_CASE("every kernel for CUDA: numbers of rows, strides, statistics", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        for (int64_t hidden : sizes(spec.kernel)) {
            for (int64_t rows : {1, 5}) {
                const int apart = spec.kernel.alignment == 0 ? 1 : 16;
                spec.hidden = hidden;
                spec.outer = {rows};
                spec.row_padding = rows == 5 ? apart : 0;
                spec.offset = rows == 5 ? apart : -1;
                spec.save_statistics = rows == 5;
                spec.weight_offset = static_cast<float>(rows == 5);
                run_and_check(spec);
            }
        }
    });
}

TEST_CASE("every kernel for CUDA: long rows", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        spec.outer = {1};
        if (spec.kernel.hidden_exact == 0 && spec.kernel.hidden_most == 0 && spec.kernel.x == NORMA_BF16) {
            // A gradient's sum over strips is a block for every eight columns.
            spec.hidden = spec.backward() ? 32768 : 262144;
        }
        run_and_check(spec);
    });
}

TEST_CASE("every kernel for CUDA: gradients of equal terms", "[cuda]") {
    const auto has_short_rows = [](const CallSpec &spec) {
        return spec.backward() && !spec.partial() && spec.hidden <= 128;
    };
    for_every_kernel(
        [](CallSpec spec) {
            spec.outer = {515};
            spec.dy_kind = RowKind::tenth;
            spec.kind = spec.is_layer_norm() ? RowKind::normal : RowKind::tenth;
            run_and_check(spec);
        },
        has_short_rows);
}

// As many as keep all of a device's multiprocessors busy at once, and fit the memory of a tensor; hours on the fake
// driver.
TEST_CASE("every kernel for CUDA: many rows", "[.many]") {
    for_every_kernel([](CallSpec spec) {
        spec.outer = {spec.hidden <= 12288 ? 1031 : 509};
        run_and_check(spec);
    });
}

TEST_CASE("every kernel for CUDA: rows that break implementations", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        spec.outer = {2};
        for (RowKind kind : {RowKind::shifted, RowKind::far, RowKind::near_limit, RowKind::nan, RowKind::infinity}) {
            spec.kind = kind;
            if (spec.hidden <= 1024 || kind == RowKind::far || kind == RowKind::nan) {
                run_and_check(spec);
            }
        }
    });
}

TEST_CASE("every kernel for CUDA: in place", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        spec.outer = {3};
        spec.y_in_place = spec.kernel.x == spec.kernel.y;
        spec.residual_out_in_place = spec.kernel.residual != NORMA_NONE;
        run_and_check(spec);
    });
}

TEST_CASE("every kernel for CUDA: a row's bits do not depend on the others", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        spec.outer = {5};
        const std::string among_others = bits(spec, 3);
        spec.outer = {1};
        spec.row_ids = {3};
        if (bits(spec, 0) != among_others) {
            throw std::runtime_error(spec.text() + ": bits differ alone and among other rows");
        }
    });
}

TEST_CASE("every kernel for CUDA: gradients' bits do not depend on slices or outer dimensions", "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        if (!spec.backward()) {
            return run_and_check(spec);
        }
        const int64_t rows = spec.hidden > 4096 ? 20 : 44;  // two or five strips
        spec.save_statistics = true;
        auto gradients = [&](const std::vector<int64_t> &outer, int64_t rows_of_a_slice) {
            const Environment slices("NORMA_MAX_SLICE_ELEMENTS", std::to_string(rows_of_a_slice * spec.hidden).c_str());
            spec.outer = outer;
            spec.outer_padding = outer.size() > 1 ? 16 : 0;  // or they would be one
            Call call(spec);
            call.run();
            if (const std::string problem = call.check(); !problem.empty()) {
                throw std::runtime_error(spec.text() + ": " + problem);
            }
            return call.bytes(role_dx) + call.bytes(role_dweight) + call.bytes(role_dbias);
        };
        for (bool f32 : {false, true}) {
            spec.f32_gradients = f32;
            spec.accumulate = !f32;
            const std::string expected = gradients({rows}, rows);
            // Slices that end within the strips' turn; a first one that does not reach all strips. The gradients' type
            // is a matter of the sum over strips alone.
            if (gradients({rows}, f32 ? 7 : 1) != expected ||
                gradients(f32 ? std::vector<int64_t>{4, rows / 4} : std::vector<int64_t>{rows / 2, 2}, rows) !=
                    expected) {
                throw std::runtime_error(spec.text() + ": bits differ from those of one slice");
            }
        }
        run_and_check([&] {
            spec.outer = {0};
            return spec;
        }());
    });
}

TEST_CASE("a tensor that is not aligned for a kernel gets the same bits from another, or is refused by name",
          "[cuda]") {
    for_every_kernel([](CallSpec spec) {
        spec.row_ids = {0, 1, 2};
        const std::string aligned = bits(spec, 2);
        if (spec.kernel.alignment == 0) {
            return;
        }
        spec.offset = 1;
        spec.row_padding = 1;
        std::string unaligned;
        try {
            unaligned = bits(spec, 2);
        } catch (const std::runtime_error &error) {
            const std::string text = error.what();
            REQUIRE_FALSE(has_sibling(spec.kernel));
            REQUIRE(text.find("x.data is ") != text.npos);
            REQUIRE(text.find("\"alignment\": [\"natural\", \"any\"]") != text.npos);
            return;
        }
        REQUIRE(has_sibling(spec.kernel));
        REQUIRE(unaligned == aligned);
    });
}
