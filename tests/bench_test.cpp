// SPDX-License-Identifier: MIT
// What the benchmark compares with: copies that copy, yardsticks that are right, threads that are threads.
#include "bench/bench.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>

#include "bench/case.h"
#include "bench/copy.h"
#include "bench/machine.h"
#include "bench/memory.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/yardstick.h"
#include "catch.h"

using namespace norma::bench;
using nlohmann::json;

namespace {

std::vector<const Loops *> all_loops() {
    std::vector<const Loops *> list;
    for (const Loops *const *loops = runnable_loops();; loops++) {
        list.push_back(*loops);
        if (std::string((*loops)->name) == "sse2") {
            return list;
        }
    }
}

constexpr Store stores[] = {Store::ordinary, Store::streaming};

// Spacing of fp32 numbers at this magnitude.
double ulp(double magnitude) { return std::ldexp(1.0, std::ilogb(magnitude) - 23); }

// The largest error of a row, in ULPs of its largest magnitude.
double row_error(Op op, const Norm &norm, int64_t row) {
    const float *x = norm.x + row * norm.hidden;
    const float *y = norm.y + row * norm.hidden;
    const double hidden = static_cast<double>(norm.hidden);
    const double mean = op == Op::layer_norm ? std::accumulate(x, x + norm.hidden, 0.0) / hidden : 0;
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

    Norm norm(Op op, int64_t hidden) const {
        return {floats(x), floats(weight), op == Op::layer_norm ? floats(bias) : nullptr, floats(y), hidden, 1e-5f};
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

// Runs `norma bench` in this process with what it prints captured.
std::string run_bench(const std::string &arguments) {
    std::fflush(stdout);
    const int terminal = dup(STDOUT_FILENO);
    std::FILE *file = std::tmpfile();
    dup2(fileno(file), STDOUT_FILENO);
    auto restore = [&] {
        std::fflush(stdout);
        dup2(terminal, STDOUT_FILENO);
        close(terminal);
    };
    CLI::App app;
    add_bench(app);
    try {
        app.parse("bench --seconds 0 " + arguments);
    } catch (...) {
        restore();
        std::fclose(file);
        throw;
    }
    restore();
    std::string text(static_cast<size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

json bench_json(const std::string &arguments) { return json::parse(run_bench(arguments + " --json -")); }

Options shape_options(const std::string &shape) {
    Options options;
    options.shapes = {shape};
    return options;
}

}  // namespace

TEST_CASE("copies copy, and touch nothing else") {
    Team team(2);
    for (const Loops *loops : all_loops()) {
        for (const Store store : stores) {
            for (const int size : {2, 4}) {
                for (const int64_t elements : {1, 31, 64, 127, 1000, 4096, 70001}) {
                    for (const bool residual : {false, true}) {
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
            for (const int x_size : {2, 4}) {
                const int y_size = 6 - x_size;
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
            for (const Op op : {Op::layer_norm, Op::rms_norm}) {
                const Norm norm = data.norm(op, hidden);
                std::vector<float> first(static_cast<size_t>(rows * hidden));
                for (const Store store : stores) {
                    CAPTURE(loops->name, to_string(op), hidden, store == Store::streaming);
                    if (!yardstick(*loops, op, norm, rows, store, team)) {
                        continue;
                    }
                    // With two elements, x - mean loses what x had rounded: no fp32 kernel does better.
                    for (int64_t row = 0; row < rows && (hidden > 2 || op == Op::rms_norm); row++) {
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
            const Norm norm = data.norm(Op::layer_norm, hidden);
            if (yardstick(*loops, Op::layer_norm, norm, 1, Store::ordinary, team)) {
                CAPTURE(loops->name, hidden);
                REQUIRE(row_error(Op::layer_norm, norm, 0) <= 16);
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

TEST_CASE("times are summarized as median and quartile distance") {
    REQUIRE(summarize({7}).ns == 7);
    REQUIRE(summarize({7}).spread == 0);
    REQUIRE(summarize({100, 1, 3, 2, 4}).ns == 3);
    REQUIRE(summarize({100, 1, 3, 2, 4}).spread == 2);
    REQUIRE(summarize({1, 2}).ns == 1.5);
}

TEST_CASE("every function is measured, small ones in batches") {
    int fast = 0, slow = 0;
    const auto times = measure({[&] { fast++; },
                                [&] {
                                    slow++;
                                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                }},
                               {0.0, 5});
    REQUIRE(times.size() == 2);
    REQUIRE(fast > 1000);
    REQUIRE(slow == 2 + 5 * 2);  // calibration, then one untimed and one timed a round
    REQUIRE(times[0].ns < 1000);
    REQUIRE(times[1].ns >= 1e6);
}

TEST_CASE("ratios are to the faster copy and the yardstick") {
    Result result;
    result.kernel_time.ns = 120;
    result.copy.ns = 100;
    result.stream_copy.ns = 60;
    REQUIRE(result.ratio() == 2);
    result.copy.ns = 40;
    REQUIRE(result.ratio() == 3);
    result.yardstick = Timing{80, 1};
    REQUIRE(result.yardstick_ratio() == 1.5);
}

TEST_CASE("bytes count activations once and parameters once for all rows") {
    Case c;
    c.rows = 10;
    c.hidden = 100;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 8);
    c.op = Op::rms_norm;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 4);
    c.x = NORMA_BF16;
    REQUIRE(bytes_moved(c) == 10 * 100 * 6 + 100 * 2);
    c.y = NORMA_BF16;
    c.residual = true;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 2);
}

TEST_CASE("options become cases") {
    Options options;
    options.ops = {"rms_norm_forward", "layer_norm"};
    options.dtype = "bf16:f32";
    options.shapes = {"2x3"};
    options.store = "streaming";
    options.target = "t";
    options.residual = true;
    options.yardstick = true;
    const std::vector<Case> cases = parse_cases(options);
    REQUIRE(cases.size() == 2);
    const Case &c = cases[0];
    REQUIRE((c.op == Op::rms_norm && c.x == NORMA_BF16 && c.y == NORMA_F32 && c.rows == 2 && c.hidden == 3));
    REQUIRE((c.store == NORMA_STORE_STREAMING && c.target == "t" && c.residual && c.yardstick));
    REQUIRE(cases[1].op == Op::layer_norm);
    REQUIRE(dtype_text(c) == "bf16:f32");
    REQUIRE(parse_cases(Options()).size() == 16);
}

TEST_CASE("bad options are refused in one line") {
    for (const char *arguments : {"--op softmax",
                                  "--dtype f64",
                                  "--dtype f32:",
                                  "--dtype :f32",
                                  "--shapes 12",
                                  "--shapes 0x4",
                                  "--shapes 4x0",
                                  "--shapes 4x-1",
                                  "--shapes 4x4x4",
                                  "--shapes x4",
                                  "--shapes 4xa",
                                  "--shapes 1x1073741825",
                                  "--shapes 99999999999999999999x4",
                                  "--shapes 1000000000x1000000",
                                  "--threads 0",
                                  "--threads 1000",
                                  "--threads x",
                                  "--device cuda",
                                  "--store sideways",
                                  "--seconds -1",
                                  "--json /nonexistent/directory/f",
                                  "--nonsense",
                                  "--shapes"}) {
        CAPTURE(arguments);
        try {
            run_bench(arguments);
            FAIL("not refused");
        } catch (const CLI::ParseError &error) {
            CHECK(error.get_exit_code() != 0);
            CHECK(std::string(error.what()).find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("norma bench reports in JSON") {
    const json report = bench_json("--op layer_norm,rms_norm --shapes 3x64,5x128 --yardstick");
    for (const char *key : {"cpu", "cores", "l1d", "l2", "l3"}) {
        REQUIRE(report["machine"].contains(key));
    }
    REQUIRE(report["machine"]["cores"] >= 1);
    REQUIRE(report["results"].size() == 4);
    for (const json &result : report["results"]) {
        CAPTURE(result.dump());
        for (const char *key : {"op", "dtype", "kernel", "target"}) {
            REQUIRE(!result.at(key).get<std::string>().empty());
        }
        for (const char *key : {"rows", "hidden", "threads", "ns", "bytes", "copy_ns", "stream_copy_ns", "ratio"}) {
            REQUIRE(result.at(key).get<double>() > 0);
        }
        REQUIRE(result.at("ns_spread").get<double>() >= 0);
        const double copy = std::min(result["copy_ns"].get<double>(), result["stream_copy_ns"].get<double>());
        REQUIRE(result["ratio"].get<double>() == Approx(result["ns"].get<double>() / copy));
        REQUIRE(result.contains("yardstick_ns") == (all_loops().size() > 1));
    }
    REQUIRE(report["results"][0]["op"] == "layer_norm");
    REQUIRE(report["results"][3]["op"] == "rms_norm");
    REQUIRE(report["results"][3]["rows"] == 5);
    REQUIRE(report["results"][3]["hidden"] == 128);
}

TEST_CASE("options of norma bench take effect") {
    auto first = [](const std::string &arguments) { return bench_json("--op rms_norm " + arguments)["results"][0]; };
    REQUIRE(first("--shapes 2x64")["threads"] == 1);
    REQUIRE(first("--shapes 2x64 --threads 2")["threads"] == 2);
    REQUIRE(first("--shapes 2x64 --dtype bf16")["dtype"] == "bf16");
    REQUIRE(first("--shapes 2x64 --dtype bf16")["bytes"] == 2 * 64 * 4 + 64 * 2);
    REQUIRE(!first("--shapes 2x64").contains("yardstick_ns"));
    REQUIRE(first("--shapes 2x64 --residual")["kernel"].get<std::string>().find(".r_f32") != std::string::npos);
    REQUIRE(first("--shapes 2x64 --target x86-64-v2")["target"] == "x86-64-v2");
    REQUIRE_THROWS(first("--shapes 2x64 --target pentium"));
}

TEST_CASE("the table and a JSON file come together") {
    char path[] = "/tmp/norma_bench_XXXXXX";
    const int descriptor = mkstemp(path);
    REQUIRE(descriptor >= 0);
    const std::string table = run_bench("--op rms_norm --shapes 2x64 --json " + std::string(path));
    close(descriptor);
    std::ifstream file(path);
    const json report = json::parse(file);
    std::remove(path);
    REQUIRE(report["results"].size() == 1);
    REQUIRE(table.find("2x64") != std::string::npos);
    REQUIRE(table.find(report["results"][0]["kernel"].get<std::string>()) != std::string::npos);
}

TEST_CASE("a case that the library lacks is refused with its manifest line") {
    Team team(1);
    Options options = shape_options("2x64");
    options.ops = {"layer_norm"};
    options.dtype = "f16:bf16";
    REQUIRE_THROWS(measure_case(parse_cases(options)[0], team, {0, 1}));
}
