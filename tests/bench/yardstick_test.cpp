// SPDX-License-Identifier: MIT
// What kernels are compared with: copies that copy, yardsticks that are right, threads that are threads.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/copy.h"
#include "bench/memory.h"
#include "bench/options.h"
#include "bench/yardstick.h"
#include "runtime/vocabulary/dtypes.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/rows.h"

using namespace norma::bench;
namespace reference = norma::reference;
using norma::test::RowKind;

namespace {

std::vector<const Loops *> all_loops() {
    std::vector<const Loops *> list;
    for (const Loops *const *loops = runnable_loops(); *loops; loops++) {
        list.push_back(*loops);
    }
    return list;
}

constexpr Store stores[] = {Store::ordinary, Store::streaming};

constexpr norma_op ops[] = {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD};
constexpr norma_dtype dtypes[] = {NORMA_F32, NORMA_BF16, NORMA_F16};

template <typename T>
void write(void *to, const reference::Values &values) {
    std::transform(values.begin(), values.end(), static_cast<T *>(to),
                   [](double value) { return static_cast<T>(static_cast<float>(value)); });
}

void write(norma_dtype dtype, void *to, const reference::Values &values) {
    switch (dtype) {
        case NORMA_BF16: return write<Eigen::bfloat16>(to, values);
        case NORMA_F16: return write<Eigen::half>(to, values);
        default: return write<float>(to, values);
    }
}

// Rows of a kind, with y before a guard of one line.
struct Rows {
    Rows(RowKind rows_kind, norma_dtype type, int64_t row_count, int64_t row_length)
        : kind(rows_kind),
          dtype(type),
          rows(row_count),
          hidden(row_length),
          x(bytes(rows)),
          weight(bytes(1)),
          bias(bytes(1)),
          y(bytes(rows) + guard) {
        for (int64_t row = 0; row < rows; row++) {
            write(dtype, at(x, row), norma::test::row_values(kind, dtype, hidden, row, 0));
        }
        write(dtype, weight.data(), norma::test::row_values(RowKind::normal, dtype, hidden, 0, 1));
        write(dtype, bias.data(), norma::test::row_values(RowKind::normal, dtype, hidden, 0, 2));
    }

    Norm norm(norma_op op, bool has_bias) const {
        return {op, dtype, x.data(), weight.data(), has_bias ? bias.data() : nullptr, y.data(), hidden, 1e-5f};
    }

    // What is wrong, as of a kernel: "" for nothing.
    std::string check(const Norm &norm) const {
        reference::Options options;
        options.eps = static_cast<double>(norm.eps);
        options.weight = reference::load(dtype, weight.data(), hidden);
        options.bias = norm.bias ? reference::load(dtype, bias.data(), hidden) : reference::Values();
        for (int64_t row = 0; row < rows; row++) {
            const reference::Values values = reference::load(dtype, at(x, row), hidden);
            const reference::Row expected = norm.op == NORMA_LAYER_NORM_FORWARD ? reference::layer_norm(values, options)
                                                                                : reference::rms_norm(values, options);
            const double ulps = norma::test::ulps_allowed(kind, norm.op);
            const norma::test::RowJudge judge({norm.op, dtype, dtype, NORMA_FP32_ONCE, ulps}, options, expected);
            if (auto mismatch = judge.first_mismatch(reference::load(dtype, at(y, row), hidden))) {
                return norma::test::mismatch_text("y", row, *mismatch);
            }
        }
        const auto *end = static_cast<const uint8_t *>(y.data()) + bytes(rows);
        return std::all_of(end, end + guard, [](uint8_t b) { return b == 0; }) ? "" : "the bytes behind y are written";
    }

    std::string written() const { return {static_cast<const char *>(y.data()), bytes(rows)}; }

    size_t bytes(int64_t count) const { return static_cast<size_t>(count * hidden * norma::dtype_size(dtype)); }
    char *at(const Memory &memory, int64_t row) const { return static_cast<char *>(memory.data()) + bytes(row); }

    static constexpr size_t guard = 64;
    RowKind kind;
    norma_dtype dtype;
    int64_t rows, hidden;
    Memory x, weight, bias, y;
};

// Checks every yardstick on these rows, and that its bits do not depend on the store.
void check_yardsticks(RowKind kind, norma_dtype dtype, int64_t rows, int64_t hidden) {
    Team team(1);
    const Rows data(kind, dtype, rows, hidden);
    for (const Loops *loops : all_loops()) {
        for (const norma_op op : ops) {
            for (const bool has_bias : {false, true}) {
                std::string first;
                for (const Store store : stores) {
                    CAPTURE(loops->name, loops->native_bf16, static_cast<int>(op), has_bias, store == Store::streaming);
                    CAPTURE(static_cast<int>(dtype), norma::test::name(kind), rows, hidden);
                    const Norm norm = data.norm(op, has_bias);
                    std::memset(data.y.data(), 0, data.bytes(rows) + Rows::guard);
                    if (!yardstick(*loops, norm, rows, store, team)) {
                        continue;
                    }
                    REQUIRE(data.check(norm) == "");
                    first = store == Store::ordinary ? data.written() : first;
                    REQUIRE(data.written() == first);
                }
            }
        }
    }
}

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

TEST_CASE("yardsticks are as accurate as kernels must be, whatever the type, the length and the store") {
    for (const norma_dtype dtype : dtypes) {
        for (const int64_t hidden :
             {1, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 130, 768, 1000, 4096, 4100, 100000}) {
            check_yardsticks(RowKind::normal, dtype, hidden < 1000 ? 11 : 3, hidden);
        }
    }
}

// Where squares overflow fp32 a yardstick's do.
TEST_CASE("yardsticks are right for rows that break implementations") {
    for (const norma_dtype dtype : dtypes) {
        for (const RowKind kind : {RowKind::shifted, RowKind::far, RowKind::near_limit, RowKind::small, RowKind::tiny,
                                   RowKind::denormal, RowKind::constant, RowKind::tenth, RowKind::zero,
                                   RowKind::alternating, RowKind::spike, RowKind::nan, RowKind::infinity}) {
            for (const int64_t hidden : {64, 768, 4100}) {
                check_yardsticks(kind, dtype, 6, hidden);
            }
        }
    }
}

TEST_CASE("yardsticks are for forwards in f32, bf16 and f16") {
    Team team(1);
    const Rows data(RowKind::normal, NORMA_F32, 1, 64);
    for (const Loops *loops : all_loops()) {
        Norm norm = data.norm(NORMA_LAYER_NORM_BACKWARD, false);
        CHECK(!yardstick(*loops, norm, 1, Store::ordinary, team));
        norm = data.norm(NORMA_LAYER_NORM_FORWARD, false);
        norm.dtype = NORMA_I8;
        CHECK(!yardstick(*loops, norm, 1, Store::ordinary, team));
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
