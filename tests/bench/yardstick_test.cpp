// SPDX-License-Identifier: MIT
// What kernels are compared with: copies that copy, yardsticks that are right, threads that are threads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/copy.h"
#include "bench/memory.h"
#include "bench/options.h"
#include "bench/yardstick.h"
#include "tests/support/catch.h"

using namespace norma::bench;

namespace {

std::vector<const Loops *> all_loops() {
    std::vector<const Loops *> list;
    for (const Loops *const *loops = runnable_loops(); *loops; loops++) {
        list.push_back(*loops);
    }
    return list;
}

constexpr Store stores[] = {Store::ordinary, Store::streaming};

// Spacing of fp32 numbers at this magnitude.
double ulp(double magnitude) { return std::ldexp(1.0, std::ilogb(magnitude) - 23); }

// The largest error of a row, in ULPs of its largest magnitude.
double row_error(norma_op op, const Norm &norm, int64_t row) {
    const float *x = norm.x + row * norm.hidden;
    const float *y = norm.y + row * norm.hidden;
    const double hidden = static_cast<double>(norm.hidden);
    const double mean = op == NORMA_LAYER_NORM_FORWARD ? std::accumulate(x, x + norm.hidden, 0.0) / hidden : 0;
    double squares = 0, largest = 0, error = 0;
    for (int64_t i = 0; i < norm.hidden; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    const double rstd = 1 / std::sqrt(squares / hidden + static_cast<double>(norm.eps));
    for (int64_t i = 0; i < norm.hidden; i++) {
        const double expected = (x[i] - mean) * rstd * norm.weight[i] + (norm.bias ? norm.bias[i] : 0);
        largest = std::max(largest, std::fabs(expected));
        error = std::max(error, std::fabs(expected - y[i]));
    }
    return error / ulp(largest);
}

struct Rows {
    Rows(int64_t rows, int64_t hidden)
        : x(random_tensor(NORMA_F32, rows * hidden)),
          weight(random_tensor(NORMA_F32, hidden)),
          bias(random_tensor(NORMA_F32, hidden)),
          y(static_cast<size_t>(rows * hidden) * sizeof(float)) {}

    Norm norm(norma_op op, int64_t hidden) const {
        return {floats(x), floats(weight), op == NORMA_LAYER_NORM_FORWARD ? floats(bias) : nullptr,
                floats(y), hidden,         1e-5f};
    }
    static float *floats(const Memory &memory) { return static_cast<float *>(memory.data()); }

    Memory x, weight, bias, y;
};

std::vector<uint8_t> pattern(int64_t bytes, int seed) {
    std::vector<uint8_t> result(static_cast<size_t>(bytes));
    for (size_t i = 0; i < result.size(); i++) {
        result[i] = static_cast<uint8_t>((i + static_cast<size_t>(seed)) * 2654435761u >> 13);
    }
    return result;
}

}  // namespace

TEST_CASE("copies copy, and touch nothing else") {
    Team team(2);
    for (const Loops *loops : all_loops()) {
        for (const Store store : stores) {
            for (const int size : {1, 2, 4}) {
                for (const int64_t elements : {1, 31, 64, 127, 1000, 4096, 70001}) {
                    for (const bool residual : {false, true}) {
                        if (residual && size == 1) {
                            continue;
                        }
                        CAPTURE(loops->name, store == Store::streaming, size, elements, residual);
                        const int64_t bytes = elements * size;
                        const auto x_bytes = pattern(bytes, 1), r_bytes = pattern(bytes, 2);
                        const size_t count = static_cast<size_t>(bytes);
                        Memory x(count), r(count), y(count + 64), r_out(count + 64);
                        std::memcpy(x.data(), x_bytes.data(), count);
                        std::memcpy(r.data(), r_bytes.data(), count);
                        const int residual_size = residual ? size : 0;
                        copy(*loops, {x.data(), r.data(), y.data(), r_out.data(), size, residual_size, size}, elements,
                             store, team);
                        const auto *end = static_cast<const uint8_t *>(y.data()) + count;
                        REQUIRE(std::all_of(end, end + 64, [](uint8_t b) { return b == 0; }));
                        if (residual) {
                            REQUIRE(std::memcmp(r_out.data(), r_bytes.data(), count) == 0);
                        } else {
                            REQUIRE(std::memcmp(y.data(), x_bytes.data(), count) == 0);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("copies between types of other sizes write all of y and no more") {
    Team team(1);
    constexpr int64_t elements = 1000;
    for (const Loops *loops : all_loops()) {
        for (const Store store : stores) {
            for (const auto &[x_size, y_size] :
                 std::vector<std::pair<int, int>>{{2, 4}, {4, 2}, {1, 4}, {4, 1}, {2, 1}}) {
                const size_t bytes = static_cast<size_t>(elements * y_size);
                const auto values = std::vector<uint8_t>(static_cast<size_t>(elements * x_size), 0);
                Memory x(values.size()), y(bytes + 64);
                std::memset(y.data(), 0x55, bytes + 64);
                copy(*loops, {x.data(), nullptr, y.data(), nullptr, x_size, 0, y_size}, elements, store, team);
                const auto *written = static_cast<const uint8_t *>(y.data());
                REQUIRE(std::all_of(written, written + bytes, [](uint8_t b) { return b == 0; }));
                REQUIRE(std::all_of(written + bytes, written + bytes + 64, [](uint8_t b) { return b == 0x55; }));
            }
        }
    }
    REQUIRE_THROWS(copy(*all_loops().front(), {nullptr, nullptr, nullptr, nullptr, 8, 0, 8}, 1, Store::ordinary, team));
}

TEST_CASE("yardsticks agree with float64 within 4 ULP, and row by row whatever the store") {
    Team team(2);
    constexpr int64_t rows = 3;
    for (const int64_t hidden : {1, 2, 7, 15, 16, 17, 63, 64, 65, 127, 128, 130, 768, 1000, 4096, 4100, 8192, 100000}) {
        const Rows data(rows, hidden);
        for (const Loops *loops : all_loops()) {
            for (const norma_op op : {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD}) {
                const Norm norm = data.norm(op, hidden);
                std::vector<float> first(static_cast<size_t>(rows * hidden));
                for (const Store store : stores) {
                    CAPTURE(loops->name, static_cast<int>(op), hidden, store == Store::streaming);
                    if (!yardstick(*loops, op, norm, rows, store, team)) {
                        continue;
                    }
                    // With two elements, x - mean loses what x had rounded: no fp32 kernel does better.
                    for (int64_t row = 0; row < rows && (hidden > 2 || op == NORMA_RMS_NORM_FORWARD); row++) {
                        REQUIRE(row_error(op, norm, row) <= 4);
                    }
                    if (store == Store::ordinary) {
                        std::memcpy(first.data(), norm.y, first.size() * sizeof(float));
                    }
                    REQUIRE(std::memcmp(first.data(), norm.y, first.size() * sizeof(float)) == 0);
                }
            }
        }
    }
}

TEST_CASE("the LayerNorm yardstick corrects the rounded mean") {
    Team team(1);
    for (const int64_t hidden : {768, 4096, 8192}) {
        const Rows data(1, hidden);
        float *x = Rows::floats(data.x);
        std::transform(x, x + hidden, x, [](float v) { return 40000 + v; });
        for (const Loops *loops : all_loops()) {
            const Norm norm = data.norm(NORMA_LAYER_NORM_FORWARD, hidden);
            if (yardstick(*loops, NORMA_LAYER_NORM_FORWARD, norm, 1, Store::ordinary, team)) {
                CAPTURE(loops->name, hidden);
                REQUIRE(row_error(NORMA_LAYER_NORM_FORWARD, norm, 0) <= 16);
            }
        }
    }
}

TEST_CASE("a team runs its tasks at the same time on threads of their own") {
    for (const int threads : {1, 2, 5}) {
        Team team(threads);
        REQUIRE(team.size() == threads);
        for (int round = 0; round < 50; round++) {
            std::mutex mutex;
            std::set<std::thread::id> ids;
            std::atomic<int> arrived{0};
            team.run([&](int) {
                arrived++;
                while (arrived < threads) {  // ends only if all tasks are under way
                    std::this_thread::yield();
                }
                const std::lock_guard<std::mutex> lock(mutex);
                ids.insert(std::this_thread::get_id());
            });
            REQUIRE(ids.size() == static_cast<size_t>(threads));
            REQUIRE(ids.count(std::this_thread::get_id()) == 1);
        }
    }
}

TEST_CASE("ranges of rows cover everything once, small ones on the calling thread") {
    for (const int threads : {1, 3, 4}) {
        Team team(threads);
        for (const int64_t rows : {0, 1, 2, 63, 64, 65, 1000}) {
            for (const int64_t hidden : {1, 20000, 100000}) {
                std::vector<std::atomic<int>> seen(static_cast<size_t>(rows));
                std::mutex mutex;
                std::set<std::thread::id> ids;
                team.run_rows(rows, hidden, [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; i++) {
                        seen[static_cast<size_t>(i)]++;
                    }
                    const std::lock_guard<std::mutex> lock(mutex);
                    ids.insert(std::this_thread::get_id());
                });
                CAPTURE(threads, rows, hidden);
                REQUIRE(std::all_of(seen.begin(), seen.end(), [](const std::atomic<int> &n) { return n == 1; }));
                if (hidden == 1) {
                    REQUIRE(ids.size() == 1);
                } else if (rows >= 63) {
                    REQUIRE(ids.size() == static_cast<size_t>(threads));
                }
            }
        }
    }
}
