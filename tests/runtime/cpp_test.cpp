// SPDX-License-Identifier: MIT
// norma.hpp: ownership, bound calls, and the common case in one line.
#include <array>
#include <cmath>
#include <norma/norma.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

struct Half {
    uint16_t bits;
};
template <>
struct norma::Dtype<Half> : norma::Dtype<norma::f16> {};

namespace {

constexpr size_t rows = 3, hidden = 96;

// As std::span, which C++17 does not have.
template <typename T>
class Span {
public:
    Span(T *data, size_t size) : data_(data), size_(size) {}
    T *data() const { return data_; }
    size_t size() const { return size_; }

private:
    T *data_;
    size_t size_;
};

std::vector<float> samples(size_t count) {
    std::vector<float> result(count);
    for (size_t i = 0; i < count; i++) {
        result[i] = std::sin(0.37F * static_cast<float>(i)) + 0.25F;
    }
    return result;
}

// In float64, by the formula.
std::vector<double> expected(const std::vector<float> &x, double eps, bool centre, const std::vector<float> &weight,
                             const std::vector<float> &bias) {
    std::vector<double> y(x.begin(), x.end());
    for (size_t row = 0; row < rows; row++) {
        double *begin = &y[row * hidden];
        double mean = 0, square = 0;
        for (size_t d = 0; d < hidden; d++) {
            mean += centre ? begin[d] / double(hidden) : 0;
        }
        for (size_t d = 0; d < hidden; d++) {
            square += (begin[d] - mean) * (begin[d] - mean) / double(hidden);
        }
        for (size_t d = 0; d < hidden; d++) {
            begin[d] = (begin[d] - mean) / std::sqrt(square + eps) * (weight.empty() ? 1 : double(weight[d])) +
                       (bias.empty() ? 0 : double(bias[d]));
        }
    }
    return y;
}

void check_close(const std::vector<float> &y, const std::vector<double> &right) {
    for (size_t i = 0; i < y.size(); i++) {
        CAPTURE(i);
        REQUIRE(std::fabs(double(y[i]) - right[i]) < 2e-6);
    }
}

norma_arguments arguments_of(const std::vector<float> &x, std::vector<float> &y) {
    norma_arguments arguments = norma::arguments(1e-6F);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.y = norma::tensor(y.data(), {rows, hidden});
    return arguments;
}

template <typename F>
std::string message_of(const F &f) {
    try {
        f();
    } catch (const std::exception &error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("an empty plan and an empty call are refused, not run", "[cpp]") {
    norma::Plan plan;
    norma::Call call;
    CHECK(!plan);
    CHECK(!call);
    CHECK(std::string(plan.kernel()).empty());
    const norma_arguments arguments = norma::arguments(0);
    CHECK(message_of([&] { plan.run(arguments); }) == "invalid argument: plan is null");
    CHECK(message_of([&] { plan.bind(arguments); }) == "invalid argument: plan is null");
    CHECK(message_of([&] { call.run(); }) == "invalid argument: call is null");
    plan = norma::Plan(norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32));
    CHECK(plan);
}

TEST_CASE("a bound call is moved, and runs on its rows and on other data", "[cpp]") {
    static_assert(!std::is_copy_constructible_v<norma::Call> && std::is_nothrow_move_constructible_v<norma::Call>);
    const norma::Plan plan(norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32));
    const std::vector<float> x = samples(rows * hidden);
    std::vector<float> y(x.size()), by_plan(x.size()), elsewhere(x.size());
    plan.run(arguments_of(x, by_plan));
    norma::Call bound = plan.bind(arguments_of(x, y));
    norma::Call call = std::move(bound);
    CHECK(!bound);  // NOLINT(bugprone-use-after-move)
    CHECK(call.rows() == rows);
    call.run(size_t{1});
    CHECK((y[0] == by_plan[0] && y[hidden] == 0));
    call.run();
    CHECK(y == by_plan);
    call.set_data(NORMA_TENSOR_Y, elsewhere.data());
    call.run();
    CHECK(elsewhere == by_plan);
    CHECK(message_of([&] { call.run(rows + 1); }) ==
          "invalid argument: rows is 4; expected 0 to 3, as the call was bound");
}

TEST_CASE("a call takes a workspace where it needs one", "[cpp]") {
    norma_plan_desc desc = norma::describe(NORMA_LAYER_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32, NORMA_F32);
    desc.residual = NORMA_F32;
    const norma::Plan plan(desc);
    const std::vector<float> x = samples(rows * hidden), weight = samples(hidden);
    std::vector<float> y(x.size()), sum(x.size());
    norma_arguments arguments = arguments_of(x, y);
    arguments.weight = arguments.bias = norma::tensor(weight.data(), {hidden});
    arguments.residual = norma::tensor(x.data(), {rows, hidden});
    arguments.residual_out = norma::tensor(sum.data(), {rows, hidden});
    norma::Workspace workspace;
    norma::Call call = plan.bind(arguments, norma::execution(), workspace);
    call.run();
    CHECK(sum[5] == x[5] + x[5]);
    CHECK(y[5] != 0);
}

TEST_CASE("rms_norm and layer_norm in one line", "[cpp]") {
    const std::vector<float> x = samples(rows * hidden), weight = samples(hidden), bias = samples(hidden), none;
    std::vector<float> y(x.size());
    norma::rms_norm(x, weight, y, rows, hidden);
    check_close(y, expected(x, 1e-6, false, weight, none));
    norma::rms_norm(x.data(), weight.data(), y.data(), rows, hidden, 0.5F);
    check_close(y, expected(x, 0.5, false, weight, none));
    norma::layer_norm(x, weight, bias, y, rows, hidden);
    check_close(y, expected(x, 1e-5, true, weight, bias));
    const Span<const float> view(x.data(), x.size());
    norma::layer_norm(view, weight, bias, Span<float>(y.data(), y.size()), int(rows), int64_t{hidden}, 0.5F);
    check_close(y, expected(x, 0.5, true, weight, bias));
    y = x;
    norma::rms_norm(y, weight, y, rows, hidden);  // in place
    check_close(y, expected(x, 1e-6, false, weight, none));
    norma::rms_norm(x, nullptr, y, rows, hidden);
    check_close(y, expected(x, 1e-6, false, none, none));
    norma::rms_norm(none, weight, none.data() ? y : std::vector<float>(), 0, hidden);  // no rows
    std::array<float, hidden> one{};
    norma::rms_norm(Span<const float>(x.data(), hidden), weight, one, 1, hidden);
    CHECK(one[7] == Approx(expected(x, 1e-6, false, weight, none)[7]));
}

TEST_CASE("16-bit floats in one line, also of a type of the caller's", "[cpp]") {
    const std::vector<norma::bf16> x(hidden, {0x4000});  // 2.0
    std::vector<norma::bf16> y(hidden);
    norma::rms_norm(x, x, y, 1, hidden);
    CHECK(y[3].bits == 0x4000);
    const std::vector<Half> half(hidden, {0x4000});  // 2.0
    std::vector<Half> z(hidden);
    norma::rms_norm(half, half, z, 1, hidden);
    CHECK(z[3].bits == 0x4000);
}

TEST_CASE("sizes that do not fit are refused by name", "[cpp]") {
    const std::vector<float> x = samples(rows * hidden), weight = samples(hidden);
    std::vector<float> y(x.size());
    CHECK(message_of([&] { norma::rms_norm(x, weight, y, rows + 1, hidden); }) ==
          "norma: x has 288 elements; expected 4 x 96");
    y.pop_back();
    CHECK(message_of([&] { norma::rms_norm(x, weight, y, rows, hidden); }) ==
          "norma: y has 287 elements; expected 3 x 96");
    y.resize(x.size());
    CHECK(message_of([&] { norma::layer_norm(x, x, weight, y, rows, hidden); }) ==
          "norma: weight has 288 elements; expected 96");
    CHECK(message_of([&] { norma::layer_norm(x, weight, x, y, rows, hidden); }) ==
          "norma: bias has 288 elements; expected 96");
    CHECK(message_of([&] { norma::rms_norm(x, weight, y, -3, hidden); }) ==
          "norma: x has 288 elements; expected -3 x 96");
    CHECK(message_of([&] { norma::rms_norm(x.data(), weight, y.data(), -3, hidden); }) ==
          "invalid argument: x.shape[0] is -3; expected 0 or more");
    CHECK(message_of([&] { norma::rms_norm(x.data(), weight.data(), y.data(), rows, 0); }) ==
          "invalid argument: desc.hidden is 0; expected 1 to 1073741824");
    CHECK(message_of([&] { norma::rms_norm(x, weight, y, rows, hidden, -1); }) ==
          "invalid argument: eps is -1; expected a finite number, 0 or more");
    CHECK(message_of([&] { norma::rms_norm(x.data(), weight, y.data(), SIZE_MAX, hidden); }) ==
          "invalid argument: x.shape[0] is -1; expected 0 or more");
    const std::vector<float> untouched(y.size());
    CHECK(y == untouched);
}
