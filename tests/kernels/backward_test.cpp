// SPDX-License-Identifier: MIT
// What every_kernel_test does not reach: the reference itself, gradients over many rows, and what they may depend on.
#include <algorithm>
#include <cstdint>

#include "norma/norma.hpp"
#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/shapes.h"
#include "tools/reference/reference_backward.h"

namespace {

using namespace norma::test;
namespace reference = norma::reference;
using reference::Values;

Values samples(int64_t count, uint64_t stream) {
    Values values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = normal_sample(mix(stream, i));
    }
    return values;
}

double loss(bool centred, const Values &x, const Values &dy, const reference::Options &options) {
    const reference::Row row = centred ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
    double sum = 0;
    for (size_t i = 0; i < dy.size(); i++) {
        sum += dy[i] * row.y[i];
    }
    return sum;
}

CallSpec spec_of(norma_op op, norma_dtype x = NORMA_F32, norma_dtype residual = NORMA_NONE) {
    CallSpec spec;
    const bool centred = op == NORMA_LAYER_NORM_BACKWARD;
    spec.kernel = find_kernel(op, x, x, centred ? x : NORMA_NONE, residual);
    return spec;
}

std::string gradients(const CallSpec &spec) {
    Call call(spec);
    call.run();
    return call.bytes(role_dx) + call.bytes(role_dweight) + call.bytes(role_dbias);
}

}  // namespace

TEST_CASE("the reference gradients are the slopes of the reference forward", "[backward]") {
    for (bool centred : {false, true}) {
        for (int64_t hidden : {1, 2, 3, 10, 33}) {
            const Values x = samples(hidden, 1), dy = samples(hidden, 2);
            reference::Options forward;
            forward.weight = samples(hidden, 3);
            forward.bias = samples(hidden, 4);
            forward.weight_offset = 1;
            const reference::Row row = centred ? reference::layer_norm(x, forward) : reference::rms_norm(x, forward);
            reference::Backward options;
            options.centred = centred;
            options.weight = forward.weight;
            options.weight_offset = 1;
            const reference::RowGradients got = reference::backward(x, dy, row.mean, row.rstd, options);
            auto slope = [&](Values &values, size_t i, const Values &x_now, const reference::Options &now) {
                const double step = 1e-5, before = values[i];
                values[i] = before + step;
                const double up = loss(centred, x_now, dy, now);
                values[i] = before - step;
                const double down = loss(centred, x_now, dy, now);
                values[i] = before;
                return (up - down) / (2 * step);
            };
            for (size_t i = 0; i < x.size(); i++) {
                Values moved = x;
                reference::Options changed = forward;
                INFO((centred ? "layer_norm" : "rms_norm") << " of " << hidden << ", element " << i);
                CHECK(slope(moved, i, moved, forward) == Approx(got.dx[i]).margin(1e-6 * std::max(1.0, got.scale)));
                CHECK(slope(changed.weight, i, x, changed) == Approx(got.dweight[i]).margin(1e-8));
                CHECK(slope(changed.bias, i, x, changed) == Approx(got.dbias[i]).margin(1e-8));
            }
        }
    }
}

TEST_CASE("gradients do not depend on threads, chunks, slices or stores", "[backward]") {
    for (norma_op op : {NORMA_LAYER_NORM_BACKWARD, NORMA_RMS_NORM_BACKWARD}) {
        for (const auto &[rows, hidden] :
             shapes().at("gradient_rows_hidden").get<std::vector<std::pair<int64_t, int64_t>>>()) {
            CallSpec spec = spec_of(op);
            spec.hidden = hidden;
            spec.outer = {rows};
            spec.accumulate = hidden % 2 == 0;
            Call call(spec);
            call.run();
            INFO(spec.text());
            CHECK(call.check() == "");
            const std::string expected = gradients(spec);
            for (int32_t threads : {2, 3, 5, 8, 16, 64}) {
                spec.threads = threads;
                INFO(spec.text());
                CHECK(gradients(spec) == expected);
            }
            spec.threads = 2;
            for (const char *variable : {"NORMA_GRAIN_SIZE", "NORMA_MAX_SLICE_ELEMENTS"}) {
                for (const char *value : {"1", "777", "100000"}) {
                    const Environment environment(variable, value);
                    INFO(spec.text() << ", " << variable << "=" << value);
                    CHECK(gradients(spec) == expected);
                }
            }
            spec.store = NORMA_STORE_STREAMING;
            spec.offset = 3;
            CHECK(gradients(spec) == expected);
            // The same rows as a tensor of another rank, whose strides do not fold.
            spec.outer = {rows % 2 == 0 ? 2 : 1, rows % 2 == 0 ? rows / 2 : rows};
            spec.outer_padding = 65;
            CHECK(gradients(spec) == expected);
        }
    }
}

namespace {

struct Gradients {
    std::vector<float> dweight, dbias;
};

// Of layer_norm with a mean of 0, a rstd of 1 and no more than that of the rows x, so that n = x.
Gradients gradients_of(const std::vector<float> &x, const std::vector<float> &dy, int64_t hidden) {
    const int64_t rows = static_cast<int64_t>(x.size()) / hidden;
    std::vector<float> dx(x.size()), mean(static_cast<size_t>(rows)), rstd(mean.size(), 1);
    const std::vector<float> weight(static_cast<size_t>(hidden), 1);
    Gradients gradients = {weight, weight};
    const norma_plan_desc desc = norma::describe(NORMA_LAYER_NORM_BACKWARD, hidden, NORMA_F32, NORMA_F32, NORMA_F32);
    norma_arguments arguments = norma::arguments(0);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.dy = norma::tensor(dy.data(), {rows, hidden});
    arguments.dx = norma::tensor(dx.data(), {rows, hidden});
    arguments.mean = norma::tensor(mean.data(), {rows});
    arguments.rstd = norma::tensor(rstd.data(), {rows});
    arguments.weight = norma::tensor(weight.data(), {hidden});
    arguments.dweight = norma::tensor(gradients.dweight.data(), {hidden});
    arguments.dbias = norma::tensor(gradients.dbias.data(), {hidden});
    require_ok(norma_run(&desc, &arguments, nullptr), "norma_run");
    return gradients;
}

// The largest error of a column's sum, in ULP of fp32 of the sum of its terms' magnitudes.
double worst_error(const std::vector<float> &got, const std::vector<float> &x, const std::vector<float> &dy) {
    double worst = 0;
    for (size_t d = 0; d < got.size(); d++) {
        double sum = 0, size = 0;
        for (size_t i = d; i < dy.size(); i += got.size()) {
            const double term = static_cast<double>(dy[i]) * (x.empty() ? 1 : static_cast<double>(x[i]));
            sum += term;
            size += std::fabs(term);
        }
        worst = std::max(worst, std::fabs(static_cast<double>(got[d]) - sum) / (0x1p-23 * size));
    }
    return worst;
}

}  // namespace

TEST_CASE("gradients of any terms are within the roundings of one chunk of rows", "[backward]") {
    const std::pair<const char *, float (*)(size_t row)> kinds[] = {
        {"all equal", [](size_t) { return 1.0F / 3; }},
        {"of one sign", [](size_t row) { return 0.5F + static_cast<float>(std::fabs(normal_sample(row))); }},
        {"alternating", [](size_t row) { return row % 2 == 0 ? 1.1F : -1.3F; }},
        {"random", [](size_t row) { return 0.5F + static_cast<float>(normal_sample(row)); }}};
    for (const auto &[rows, hidden] :
         shapes().at("drift_rows_hidden").get<std::vector<std::pair<int64_t, int64_t>>>()) {
        for (const auto &[kind, term] : kinds) {
            std::vector<float> x(static_cast<size_t>(rows * hidden)), dy(x.size());
            for (size_t i = 0; i < x.size(); i++) {
                dy[i] = term(i / static_cast<size_t>(hidden));
                x[i] = 0.9F + 0.01F * static_cast<float>(i % static_cast<size_t>(hidden));
            }
            const Gradients got = gradients_of(x, dy, hidden);
            const double chunk = static_cast<double>(std::min<int64_t>(rows, 64)) / 2;
            INFO(rows << " x " << hidden << ", terms " << kind);
            CHECK(worst_error(got.dbias, {}, dy) <= 1 + chunk);
            CHECK(worst_error(got.dweight, x, dy) <= 4 + chunk);
            CHECK((rows < 65536 || std::string(kind) != "random" || worst_error(got.dweight, x, dy) <= 2));
        }
    }
}

TEST_CASE("no rows have gradients of zero", "[backward]") {
    CallSpec spec = spec_of(NORMA_LAYER_NORM_BACKWARD, NORMA_BF16);
    spec.outer = {3, 0};
    spec.hidden = 100;
    Call call(spec);
    for (int role : {role_x, role_dy, role_dx, role_mean, role_rstd}) {
        (call.arguments.*roles[role].tensor).data = nullptr;
    }
    call.run();
    CHECK(call.bytes(role_dweight) == std::string(200, '\0'));
    CHECK(call.bytes(role_dbias) == std::string(200, '\0'));
}

TEST_CASE("no rows leave gradients that are accumulated as they are", "[backward]") {
    CallSpec spec = spec_of(NORMA_LAYER_NORM_BACKWARD, NORMA_BF16);
    spec.outer = {0};
    spec.hidden = 100;
    spec.accumulate = true;
    Call call(spec);
    const std::string dweight = call.bytes(role_dweight), dbias = call.bytes(role_dbias);
    call.run();
    CHECK(call.bytes(role_dweight) == dweight);
    CHECK(call.bytes(role_dbias) == dbias);
}

// Nothing is read of what the gradients hold unless that is asked for: it may be no number.
TEST_CASE("gradients that are not accumulated do not depend on what was there", "[backward]") {
    CallSpec spec = spec_of(NORMA_RMS_NORM_BACKWARD);
    spec.outer = {5};
    Call call(spec);
    std::vector<float> nan(static_cast<size_t>(spec.hidden), NAN);
    std::memcpy(call.arguments.dweight.data, nan.data(), nan.size() * sizeof(float));
    call.run();
    CHECK(call.check() == "");
}

TEST_CASE("a backward through what the forward saved", "[backward]") {
    for (norma_dtype x : {NORMA_F32, NORMA_F16, NORMA_BF16}) {
        for (bool centred : {false, true}) {
            CallSpec forward;
            forward.kernel = find_kernel(centred ? NORMA_LAYER_NORM_FORWARD : NORMA_RMS_NORM_FORWARD, x, x,
                                         centred ? x : NORMA_NONE, x);
            forward.outer = {70};
            forward.hidden = 200;
            Call y(forward);
            y.run();
            CallSpec spec = spec_of(centred ? NORMA_LAYER_NORM_BACKWARD : NORMA_RMS_NORM_BACKWARD, x);
            spec.outer = forward.outer;
            spec.hidden = forward.hidden;
            Call call(spec);
            call.take(role_x, y, role_residual_out);
            call.take(role_rstd, y, role_rstd);
            if (centred) {
                call.take(role_mean, y, role_mean);
            }
            call.run();
            INFO(spec.text());
            CHECK(call.check() == "");  // against the statistics as given
            // And against those that a backward computes itself.
            CallSpec recomputing = spec;
            for (const norma_kernel_info &kernel : runnable_kernels()) {
                if (kernel.op == spec.kernel.op && kernel.x == x && kernel.weight == x &&
                    kernel.bias == spec.kernel.bias && kernel.residual == NORMA_NONE &&
                    kernel.flags == NORMA_RECOMPUTE_STATISTICS && std::string(kernel.target) == spec.kernel.target) {
                    recomputing.kernel = kernel;
                }
            }
            REQUIRE(recomputing.kernel.flags == NORMA_RECOMPUTE_STATISTICS);
            Call again(recomputing);
            again.take(role_x, y, role_residual_out);
            again.run();
            CHECK(again.check() == "");
        }
    }
}

// A saved fp32 mean cannot carry 40000 +- 1: what that costs, and that recomputing does not pay it.
TEST_CASE("saved and recomputed statistics of rows far from zero", "[backward]") {
    const int64_t hidden = 500;
    const Values x = row_values(RowKind::far, NORMA_F32, hidden, 3, role_x), dy = samples(hidden, 9);
    reference::Options options;
    const reference::Row exact = reference::layer_norm(x, options);
    reference::Backward backward;
    backward.centred = true;
    const reference::RowGradients expected = reference::backward(x, dy, exact.mean, exact.rstd, backward);
    const reference::RowGradients saved =
        reference::backward(x, dy, reference::round_to(NORMA_F32, exact.mean), exact.rstd, backward);
    double error = 0;
    for (size_t i = 0; i < x.size(); i++) {
        error = std::max(error, std::fabs(saved.dweight[i] - expected.dweight[i]));
    }
    // Half an ULP of 40000 is 0.002 standard deviations: no kernel can do better with a saved mean.
    CHECK(error < 0.002 * 5);
    CHECK(error > 1e-5);
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.op == NORMA_LAYER_NORM_BACKWARD && kernel.flags == NORMA_RECOMPUTE_STATISTICS &&
            kernel.x == NORMA_F32) {
            CallSpec spec;
            spec.kernel = kernel;
            spec.hidden = hidden;
            spec.kind = RowKind::far;
            Call call(spec);
            call.run();
            CHECK(call.check() == "");  // within 16 ULP of the true gradients
        }
    }
}
