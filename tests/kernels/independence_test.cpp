// SPDX-License-Identifier: MIT
// A row's bits depend on its values, the variant and the hidden size alone: every other way to run it gives the same
// bytes.
#include <functional>
#include <map>
#include <optional>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/shapes.h"

namespace {

using namespace norma::test;

// Output bytes by the identity of the row; of gradients of parameters, by those of all rows.
using Rows = std::map<std::string, std::string>;

Rows run(const CallSpec &spec) {
    Call call(spec);
    call.run();
    Rows rows;
    std::string all = "all of";
    for (int64_t row = 0; row < spec.rows(); row++) {
        const std::string id = std::to_string(spec.row_ids.empty() ? row : spec.row_ids[static_cast<size_t>(row)]);
        for (int role = 0; role < role_count; role++) {
            rows[id] += spec.is_output(role) ? call.row_bytes(role, row) : "";
        }
        all += " " + id;
    }
    rows[all] = call.bytes(role_dweight) + call.bytes(role_dbias);
    return rows;
}

// Every row of `some` that is also a row of `all` has the same bits there.
std::string difference(const Rows &all, const Rows &some) {
    for (const auto &[id, bytes] : some) {
        const auto other = all.find(id);
        if (other != all.end() && other->second != bytes) {
            return "row " + id + " has other bits";
        }
    }
    return "";
}

// One kernel of each variant would do for the runtime; for the kernels each target needs its own.
std::vector<norma_kernel_info> cross_section() {
    std::vector<norma_kernel_info> some;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        const bool plain = (kernel.weight != NORMA_NONE && kernel.x == kernel.y) || kernel.flags != 0;
        if (kernel.residual != NORMA_NONE || plain || kernel.contract == NORMA_HF) {
            some.push_back(kernel);
        }
    }
    return some;
}

constexpr int64_t row_count = 19;

struct Setting {
    const char *variable, *value;
};

Rows run_with(const CallSpec &spec, const std::optional<Setting> &setting) {
    std::optional<Environment> environment;
    if (setting) {
        environment.emplace(setting->variable, setting->value);
    }
    return run(spec);
}

// Compares a way to run with the plain one: `change` alters the call, `setting` the environment.
void compare_with_plain(const std::function<void(CallSpec &)> &change, const std::optional<Setting> &setting = {}) {
    for (const norma_kernel_info &kernel : cross_section()) {
        for (int64_t hidden : shapes().at("independence_hidden")) {
            if (!can_run(kernel, hidden)) {
                continue;
            }
            CallSpec plain;
            plain.kernel = kernel;
            plain.hidden = hidden;
            plain.outer = {row_count};
            plain.offset = 0;
            CallSpec changed = plain;
            change(changed);
            const std::string problem = difference(run(plain), run_with(changed, setting));
            INFO(changed.text() << ": " << problem);
            CHECK(problem.empty());
        }
    }
}

}  // namespace

TEST_CASE("bits do not depend on the batch", "[independence]") {
    SECTION("one row alone") {
        compare_with_plain([](CallSpec &spec) {
            spec.outer = {1};
            spec.row_ids = {spec.hidden % row_count};
        });
    }
    SECTION("another order") {
        compare_with_plain([](CallSpec &spec) {
            for (int64_t row = 0; row < row_count; row++) {
                spec.row_ids.push_back((row * 7 + 5) % row_count);
            }
        });
    }
    SECTION("more rows") {
        compare_with_plain([](CallSpec &spec) { spec.outer = {2, row_count}; });
    }
    SECTION("neighbours of NaN and infinity") {
        compare_with_plain([](CallSpec &spec) {
            for (int64_t row = 0; row < row_count; row++) {
                spec.row_ids.push_back(row % 2 == 0 ? row : poison_row);
            }
        });
    }
}

TEST_CASE("bits do not depend on where tensors lie", "[independence]") {
    SECTION("alignment") {
        for (int64_t offset : {1, 3, 8, 31}) {
            compare_with_plain([&](CallSpec &spec) { spec.offset = offset; });
        }
    }
    SECTION("ending at a page") {
        compare_with_plain([](CallSpec &spec) { spec.offset = -1; });
    }
    SECTION("strides") {
        compare_with_plain([](CallSpec &spec) { spec.row_padding = 1 + spec.hidden % 5; });
    }
    SECTION("ranks") {
        compare_with_plain([](CallSpec &spec) {
            spec.outer = {row_count, 1, 1};
            spec.row_padding = 3;
            spec.outer_padding = 65;
        });
    }
    SECTION("in place") {
        compare_with_plain([](CallSpec &spec) {
            spec.y_in_place = spec.kernel.x == spec.kernel.y;
            spec.residual_out_in_place = spec.kernel.residual != NORMA_NONE;
            spec.dx_in_place = spec.backward() && spec.kernel.residual == spec.kernel.x;
        });
    }
}

TEST_CASE("bits do not depend on threads and chunks", "[independence]") {
    for (const char *elements : {"1", "1000", "100000000"}) {
        for (int32_t threads : {2, 3, 8}) {
            compare_with_plain([&](CallSpec &spec) { spec.threads = threads; }, {{"NORMA_GRAIN_SIZE", elements}});
        }
    }
}

TEST_CASE("bits do not depend on slices", "[independence]") {
    for (const char *elements : {"1", "500", "10000"}) {
        const Setting setting = {"NORMA_MAX_SLICE_ELEMENTS", elements};
        compare_with_plain([](CallSpec &spec) { spec.threads = 1; }, setting);
        compare_with_plain(
            [](CallSpec &spec) {
                spec.threads = 2;
                spec.store = NORMA_STORE_STREAMING;
            },
            setting);
    }
}

TEST_CASE("bits do not depend on the store", "[independence]") {
    for (norma_store store : {NORMA_STORE_AUTO, NORMA_STORE_STREAMING}) {
        for (int64_t offset : {0, 1, 4}) {
            compare_with_plain([&](CallSpec &spec) {
                spec.store = store;
                spec.offset = offset;
            });
        }
    }
}

TEST_CASE("bits do not depend on saved statistics", "[independence]") {
    for (const norma_kernel_info &kernel : cross_section()) {
        CallSpec spec;
        spec.kernel = kernel;
        spec.hidden = 640;
        if (spec.backward() || !can_run(kernel, spec.hidden)) {
            continue;
        }
        Call with(spec);
        with.run();
        const std::string y = with.bytes(role_y);
        spec.save_statistics = false;
        Call without(spec);
        without.run();
        INFO(label(kernel));
        CHECK(without.bytes(role_y) == y);
    }
}
