// SPDX-License-Identifier: MIT
// norma bench: how it measures, what it reports, what it refuses.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>

#include "bench/bench.h"
#include "bench/calibrate.h"
#include "bench/case.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "tests/support/catch.h"
#include "tests/support/kernels.h"
#include "tools/base/temporary_directory.h"

using namespace norma::bench;
using nlohmann::json;
using norma::test::baseline_target;

namespace {

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
    REQUIRE(slow >= 2 + 5 * 3);  // calibration, then at least two to be warm and one timed a round
    REQUIRE(times[0].ns < 1000);
    REQUIRE(times[1].ns >= 1e6);
}

TEST_CASE("a function is called until its time falls no more, or after what is to come before it") {
    const auto sleep = [](int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
    int disturbed = 0;  // by how much the other function's calls slow the next ones
    const std::vector<std::function<void()>> functions = {[&] {
                                                              sleep(1 + disturbed);
                                                              disturbed /= 2;
                                                          },
                                                          [&] {
                                                              sleep(1);
                                                              disturbed = 8;
                                                          }};
    CHECK(measure(functions, {0.0, 3})[0].ns < 2e6);
    int before = 0;
    const auto often = sample({[] {}, [] {}}, {0.0, 5, [&] { before++; }});
    CHECK(before == 10);
    CHECK(often[0].size() == 5);
}

TEST_CASE("a kernel agrees with itself where the intervals meet") {
    CHECK(agree({10, 1, 9, 11}, {12, 1, 11, 13}));
    CHECK_FALSE(agree({10, 1, 9, 11}, {13, 1, 12, 14}));
    Result result;
    result.kernel_time = {10, 0.5, 9, 11};
    result.control = {12, 1, 11, 13};
    CHECK(result.steady());
    result.kernel_time.spread = 1;
    CHECK_FALSE(result.steady());
    result.kernel_time.spread = 0.5;
    result.control = {13, 1, 12, 14};
    CHECK_FALSE(result.steady());
}

TEST_CASE("ratios are to the faster copy and the yardstick") {
    Result result;
    result.kernel_time.ns = 120;
    result.copy.ns = 100;
    REQUIRE(result.ratio() == 1.2);
    result.stream_copy = Timing{60, 1};
    REQUIRE(result.ratio() == 2);
    result.copy.ns = 40;
    REQUIRE(result.ratio() == 3);
    result.yardstick = Timing{80, 1};
    REQUIRE(result.yardstick_ratio() == 1.5);
}

TEST_CASE("the best threshold gains most over all sizes") {
    CHECK(best_threshold({{1, 10, 20}, {2, 10, 11}, {4, 20, 10}, {8, 20, 21}, {16, 40, 10}}) == 4);
    CHECK(best_threshold({{1, 10, 9}, {2, 10, 9}}) == 1);
    CHECK(best_threshold({{1, 10, 11}, {2, 10, 12}}) == 4);
    CHECK(best_threshold({{1, 10, 9}, {2, 10, 20}, {4, 10, 11}}) == 8);
}

TEST_CASE("norma calibrate writes a file that the library takes") {
    const norma::TemporaryDirectory directory(std::filesystem::temp_directory_path() / "norma_calibrate");
    CLI::App app;
    add_calibrate(app);
    app.parse("calibrate --seconds 0 --out " + (directory / "c"));
    CHECK(norma_set_calibration((directory / "c").c_str()) == NORMA_OK);
    CHECK(norma_set_calibration(nullptr) == NORMA_OK);
    for (const char *arguments : {"calibrate", "calibrate --out /nonexistent/c", "calibrate --seconds -1 --out c"}) {
        CLI::App refusing;
        add_calibrate(refusing);
        CHECK_THROWS(refusing.parse(arguments));
    }
}

TEST_CASE("bytes count activations once and parameters once for all rows") {
    Case c;
    c.rows = 10;
    c.hidden = 100;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 8);
    c.op = NORMA_RMS_NORM_FORWARD;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 4);
    c.x = NORMA_BF16;
    REQUIRE(bytes_moved(c) == 10 * 100 * 6 + 100 * 2);
    c.y = NORMA_BF16;
    c.residual = true;
    REQUIRE(bytes_moved(c) == 10 * 100 * 8 + 100 * 2);
    c.residual = false;
    c.y = NORMA_I8;
    c.scale = NORMA_SCALE_ROW;
    REQUIRE(bytes_moved(c) == 10 * 100 * 3 + 10 * 4 + 100 * 2);
    c.x = NORMA_I8;
    REQUIRE(bytes_moved(c) == 10 * 100 * 2 + 2 * 10 * 4 + 100 * 4);
    c.hidden = 128;
    c.scale = NORMA_SCALE_GROUP_64;
    REQUIRE(bytes_moved(c) == 10 * 128 * 2 + 10 * 4 + 20 * 4 + 128 * 4);
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
    REQUIRE((c.op == NORMA_RMS_NORM_FORWARD && c.x == NORMA_BF16 && c.y == NORMA_F32 && c.rows == 2 && c.hidden == 3));
    REQUIRE((c.store == NORMA_STORE_STREAMING && c.target == "t" && c.residual && c.yardstick));
    REQUIRE(cases[1].op == NORMA_LAYER_NORM_FORWARD);
    REQUIRE(dtype_text(c) == "bf16:f32");
    REQUIRE(parse_cases(Options()).size() == 16);
}

TEST_CASE("bad options are refused in one line") {
    for (const char *arguments : {"--op softmax",
                                  "--dtype f64",
                                  "--dtype f32:",
                                  "--dtype :f32",
                                  "--scale column",
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
                                  "--device tpu",
                                  "--device cuda --yardstick",
                                  "--device cuda --cache warm",
                                  "--cache hot",
                                  "--contract fast",
                                  "--strides 63 --shapes 2x64",
                                  "--strides 0",
                                  "--save-stats --op rms_norm_backward",
                                  "--kernel fast",
                                  "--kernel all --dtype f32",
                                  "--store sideways",
                                  "--call twice",
                                  "--seconds -1",
                                  "--html f --grain-size 1",
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

TEST_CASE("what is timed may be a bound call, a plan or norma_run") {
    for (const std::string call : {"bound", "plan", "run"}) {
        const json result = bench_json("--op layer_norm,rms_norm_backward --shapes 3x64 --call " + call).at("results");
        CHECK(result.size() == 2);
        for (const json &line : result) {
            CHECK(line.at("call") == call);
            CHECK(line.at("ns") > 0);
        }
    }
}

TEST_CASE("a file that cannot be written is refused by the option's name") {
    CHECK_THROWS_WITH(run_bench("--json /nonexistent/directory/f"), Catch::Matchers::Contains("--json: cannot write"));
    CHECK_THROWS_WITH(run_bench("--html /nonexistent/directory/f"), Catch::Matchers::Contains("--html: cannot write"));
}

TEST_CASE("what the library refuses names the option") {
    const std::pair<const char *, const char *> refusals[] = {
        {"--shapes 2x64 --target pentium", "--target is \"pentium\", which this library does not hold"},
        {"--shapes 2x64 --op rms_norm_backward --dtype bf16:i8", "y of --dtype is i8; expected f32, f16 or bf16"},
        {"--shapes 2x100 --op rms_norm --dtype bf16:i8 --scale group_64", "hidden of --shapes is 100; expected whole"},
        {"--shapes 2x64 --op rms_norm --dtype bf16:u8 --scale row", "--scale is row; expected tensor for y in u8"},
    };
    for (const auto &[arguments, message] : refusals) {
        CHECK_THROWS_WITH(bench_json(arguments), Catch::Matchers::Contains(message));
    }
}

TEST_CASE("norma bench reports in JSON") {
    const std::string dtype = GENERATE("f32", "bf16", "f16");
    const json report = bench_json("--op layer_norm,rms_norm --shapes 3x64,5x128 --yardstick --dtype " + dtype);
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
        REQUIRE(result.contains("yardstick_ns") == ((*runnable_loops())->norm != nullptr));
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
    auto kernel = [&](const std::string &arguments) { return first(arguments)["kernel"].get<std::string>(); };
    REQUIRE(kernel("--shapes 2x64 --dtype bf16:i8").find(".y_i8.q_row.") != std::string::npos);
    REQUIRE(kernel("--shapes 2x64 --dtype i8").find(".x_i8.w_f32.y_i8.q_row.") != std::string::npos);
    REQUIRE(kernel("--shapes 2x64 --dtype i8 --scale tensor").find(".q_tensor.") != std::string::npos);
    REQUIRE(kernel("--shapes 2x128 --dtype bf16:i8 --scale group_64").find(".q_group_64.") != std::string::npos);
    REQUIRE(!first("--shapes 2x64").contains("yardstick_ns"));
    REQUIRE(first("--shapes 2x64 --residual")["kernel"].get<std::string>().find(".r_f32") != std::string::npos);
    REQUIRE(first("--shapes 2x64 --target " + baseline_target())["target"] == baseline_target());
    REQUIRE_THROWS(first("--shapes 2x64 --target pentium"));
}

TEST_CASE("norma bench times what models ask for") {
    const std::string shape = "--op rms_norm --shapes 3x64 ";
    auto first = [&](const std::string &arguments) { return bench_json(shape + arguments)["results"][0]; };
    const int64_t bytes = first("")["bytes"];
    CHECK(first("")["cache"] == "warm");
    for (const std::string cache : {"cold", "after-copy"}) {
        CHECK(first("--cache " + cache)["cache"] == cache);
    }
    CHECK(first("")["control_ns"] > 0);
    CHECK(first("")["steady"].is_boolean());
    CHECK(first("--save-stats")["bytes"] == bytes + 3 * 4);  // rstd
    CHECK(first("--strides 96")["bytes"] == bytes);
    const std::string kernel = first("--dtype bf16 --contract hf")["kernel"];
    CHECK(kernel.find(".hf.") != std::string::npos);
    const json named = bench_json("--shapes 3x64,3x100 --kernel " + kernel)["results"];
    REQUIRE(named.size() >= 1);
    CHECK(named[0]["kernel"] == kernel);
}

TEST_CASE("norma bench times every kernel of the library") {
    std::set<std::string> kernels;
    const json all = bench_json("--kernel all --shapes 3x64,3x100")["results"];
    for (const json &result : all) {
        kernels.insert(result.at("kernel"));
        CHECK(result.at("ns") > 0);
    }
    CHECK(kernels.size() > 20);
}

TEST_CASE("runs are compared by how many elements are worth a thread") {
    const json result = bench_json("--op rms_norm --shapes 16x64 --threads 2 --grain-size 1,1000000")["results"][0];
    CHECK(result.at("threads") == 2);
    REQUIRE(result.at("tasks").size() == 2);
    CHECK(result["tasks"][1].at("grain_size") == 1000000);
    CHECK(result["tasks"][0].at("interval")[0] <= result["tasks"][0].at("ns"));
    CHECK(std::getenv("NORMA_GRAIN_SIZE") == nullptr);
    REQUIRE_THROWS_WITH(bench_json("--grain-size 0"), Catch::Matchers::Contains("--grain-size"));
    REQUIRE_THROWS_WITH(bench_json("--grain-size 1 --device cuda"), Catch::Matchers::Contains("--grain-size"));
}

TEST_CASE("the table and a JSON file come together") {
    const norma::TemporaryDirectory directory(std::filesystem::temp_directory_path() / "norma_bench");
    const std::string path = directory / "report.json";
    const std::string table = run_bench("--op rms_norm --shapes 2x64 --json " + path);
    std::ifstream file(path);
    const json report = json::parse(file);
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
