// SPDX-License-Identifier: MIT
// norma run: each flag does what it says, and what it refuses leaves no file.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/cli_session.h"
#include "tests/support/kernels.h"

namespace {

using namespace norma::test;
using nlohmann::json;

norma::reference::Row expected_row(const Session &s, int row, norma::reference::Options options, bool rms) {
    const Values x = values_of(s.input.tensors.at("x")), weight = values_of(s.input.tensors.at("weight"));
    const auto hidden = (long)weight.size();
    options.weight = weight;
    const Values mine(x.begin() + row * hidden, x.begin() + (row + 1) * hidden);
    return rms ? norma::reference::rms_norm(mine, options) : norma::reference::layer_norm(mine, options);
}

Values row_of(const st::Tensor &y, int row) {
    const Values all = values_of(y);
    const auto hidden = (long)y.shape.back();
    return Values(all.begin() + row * hidden, all.begin() + (row + 1) * hidden);
}

}  // namespace

TEST_CASE("run normalizes, by the op, eps and weight offset that it is given", "[cli]") {
    Session s;
    for (bool rms : {false, true}) {
        const std::string op = rms ? "rms_norm" : "layer_norm";
        norma::reference::Options plain, other;
        other.eps = 0.5;
        other.weight_offset = 1;
        check_close(row_of(s.outputs(op).tensors.at("y"), 2), expected_row(s, 2, plain, rms).y);
        check_close(row_of(s.outputs(op + " --eps 0.5 --weight-offset 1").tensors.at("y"), 2),
                    expected_row(s, 2, other, rms).y);
    }
}

TEST_CASE("run writes what it is asked to, under the names and types that it is asked for", "[cli]") {
    Session s;
    CHECK(s.outputs("layer_norm").tensors.size() == 1);

    const st::File stats = s.outputs("layer_norm --save-stats");
    CHECK(stats.tensors.size() == 3);
    const auto row = expected_row(s, 1, {}, false);
    CHECK(values_of(stats.tensors.at("mean"))[1] == Approx(row.mean));
    CHECK(values_of(stats.tensors.at("rstd"))[1] == Approx(row.rstd));
    CHECK(s.outputs("rms_norm --save-stats").tensors.size() == 2);

    CHECK(s.outputs("rms_norm --y-dtype bf16").tensors.at("y").dtype == "BF16");
    CHECK(s.outputs("rms_norm --y-dtype f16").tensors.at("y").dtype == "F16");

    s.input.tensors["residual"] = tensor("F32", {3, 40}, 3);
    const st::File sum = s.outputs("rms_norm");
    CHECK(values_of(sum.tensors.at("residual_out"))[50] ==
          Approx(values_of(s.input.tensors["x"])[50] + values_of(s.input.tensors["residual"])[50]));

    Session named;
    named.input.tensors = {{"a.b.x", s.input.tensors["x"]}, {"a.b.weight", s.input.tensors["weight"]}};
    CHECK(named.outputs("rms_norm --prefix a.b").tensors.count("a.b.y") == 1);
}

TEST_CASE("run normalizes the dimensions from --axis on", "[cli]") {
    Session s("F32", {2, 3, 4});
    s.input.tensors["weight"] = tensor("F32", {3, 4}, 2);
    for (const char *axis : {"1", "-2"}) {
        const st::File out = s.outputs(std::string("layer_norm --save-stats --axis ") + axis);
        CHECK(out.tensors.at("y").shape == std::vector<int64_t>{2, 3, 4});
        CHECK(out.tensors.at("mean").shape == std::vector<int64_t>{2});
        const Values x = values_of(s.input.tensors["x"]);
        double mean = 0;
        for (int i = 12; i < 24; i++) {
            mean += x[(size_t)i] / 12;
        }
        CHECK(values_of(out.tensors.at("mean"))[1] == Approx(mean).margin(1e-6));
    }
    s.input.tensors.erase("weight");
    s.input.tensors["x"] = tensor("F32", {2, 1, 2, 1, 2, 3}, 1);
    CHECK(s.outputs("rms_norm --save-stats").tensors.at("rstd").shape == std::vector<int64_t>{2, 1, 2, 1, 2});
}

TEST_CASE("run takes no rows, and a file that is its own output", "[cli]") {
    Session none("F32", {0, 40});
    const st::File empty = none.outputs("layer_norm --save-stats");
    CHECK(empty.tensors.at("y").shape == std::vector<int64_t>{0, 40});
    CHECK(empty.tensors.at("mean").shape == std::vector<int64_t>{0});
    Session s;
    const Values expected = values_of(s.outputs("rms_norm").tensors.at("y"));
    st::write(s.out, s.input);
    REQUIRE(norma_command("run rms_norm --input " + s.out + " --output " + s.out).status == 0);
    CHECK(values_of(st::read(s.out).tensors.at("y")) == expected);
}

TEST_CASE("run uses the contract, target, kernel, threads and stores that it is told to", "[cli]") {
    Session s("BF16", {512, 256});
    auto log_of = [&](const std::string &arguments) {
        const Result result = s.run("rms_norm " + arguments, "NORMA_VERBOSE=all");
        INFO(result.err);
        CHECK(result.status == 0);
        return result.err;
    };
    CHECK(contains(log_of("--contract hf"), "plan: kernel rms_norm_forward.x_bf16.w_bf16.y_bf16.hf."));
    CHECK(contains(log_of("--contract fp32_once"), "plan: kernel rms_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once."));
    const std::string baseline = norma::test::baseline_target();
    CHECK(contains(log_of("--target " + baseline), "target " + baseline));
    const std::string kernel = "rms_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once.any";
    CHECK(contains(log_of("--kernel " + kernel), "plan: kernel " + kernel + ","));
    CHECK(contains(log_of("--threads 1"), ", 1 workers, "));
    CHECK(contains(log_of("--threads 2"), ", 2 workers, "));
    CHECK(contains(log_of("--store ordinary"), "store mode 0"));
    CHECK(!contains(log_of("--store streaming"), "store mode 0"));
    CHECK(contains(log_of("--device cpu"), "plan: kernel"));
}

TEST_CASE("run says on request what it took from the file, what is not there, and what it ignored", "[cli]") {
    Session s;
    s.input.tensors["bais"] = tensor("F32", {40}, 3);
    s.input.tensors["x_scale"] = tensor("F32", {3}, 3);  // of an integer x
    s.input.tensors["other.x"] = tensor("F32", {3, 40}, 3);
    const auto line = [&](const std::string &what) { return "norma: info: " + s.in + ": " + what + "\n"; };
    CHECK(contains(s.run("rms_norm", "NORMA_VERBOSE=info").err,
                   line("taken: weight, x; not there: bias, residual; ignored: bais, x_scale")));
    CHECK(s.run("rms_norm", "NORMA_VERBOSE=error").err.empty());
    s.input.tensors = {{"a.x", s.input.tensors["x"]}, {"a.bias", s.input.tensors["weight"]}, {"a.b.x", {}}};
    s.input.tensors["a.b.x"] = s.input.tensors["a.x"];
    const Result refused = s.run("rms_norm --prefix a", "NORMA_VERBOSE=info");  // says why there is a bias
    CHECK(contains(refused.err, line("taken: a.bias, a.x; not there: a.residual, a.weight; ignored: none")));
    s.input.tensors["a.rstd"] = tensor("F32", {3}, 4);
    s.input.tensors["a.dy"] = s.input.tensors["a.x"];
    s.input.tensors["a.weight"] = s.input.tensors["a.bias"];
    s.input.tensors.erase("a.bias");
    CHECK(contains(s.run("rms_norm_backward --prefix a", "NORMA_VERBOSE=all").err,
                   line("taken: a.dy, a.rstd, a.weight, a.x; not there: a.bias, a.d_residual; ignored: none")));
}

TEST_CASE("a level of NORMA_VERBOSE that is none is refused", "[cli]") {
    Session s;
    const Result result = s.run("rms_norm", "NORMA_VERBOSE=loud");
    check_refused("norma", result, "NORMA_VERBOSE is \"loud\"; expected one of none, error, info, dispatch, all");
    CHECK(!fs::exists(s.out));
}

TEST_CASE("run rounds to the type and in the order that it is told to", "[cli]") {
    Session s("BF16", {4, 512});
    auto y_of = [&](const std::string &arguments) { return s.outputs("rms_norm " + arguments).tensors.at("y"); };
    norma::reference::Options options;
    options.round_normalized_to = NORMA_BF16;
    const Values hf = row_of(y_of("--contract hf"), 3), once = row_of(y_of(""), 3);
    const Values wide = row_of(y_of("--y-dtype f32"), 3);
    const Values expected = expected_row(s, 3, {}, true).y, expected_hf = expected_row(s, 3, options, true).y;
    int hf_hits = 0, once_hits = 0;
    for (size_t i = 0; i < expected.size(); i++) {
        hf_hits += hf[i] == norma::reference::round_to(NORMA_BF16, expected_hf[i]) ? 1 : 0;
        once_hits += once[i] == norma::reference::round_to(NORMA_BF16, expected[i]) ? 1 : 0;
    }
    CHECK(hf_hits > 500);  // but for ties that the fp32 statistics decide
    CHECK(once_hits > 500);
    CHECK(hf != once);
    check_close(wide, expected);
}

TEST_CASE("run refuses in one line and leaves no file", "[cli]") {
    Session s;
    s.refused("rms_nrom", "rms_nrom");
    s.refused("rms_norm --eps -1", "--eps is -1; expected");
    s.refused("rms_norm --weight-offset nan", "--weight-offset is nan; expected a finite number in fp32");
    s.refused("rms_norm --weight-offset 1e39", "--weight-offset is 1e+39; expected a finite number in fp32");
    for (const char *eps : {"1e-46", "1e-400", "-1", "nan", "inf", "1e39", "1e-5x", "''"}) {
        s.refused(std::string("layer_norm --eps ") + eps, "expected 0, or a finite number above 0 in fp32");
    }
    s.refused("layer_norm --threads 1000", "--threads is 1000; expected 0 to 256");
    s.refused("layer_norm --contract hf", "argument: --contract is hf; expected fp32_once for layer_norm_forward");
    s.refused("rms_norm --contract once", "--contract");
    s.refused("rms_norm --y-dtype f64", "--y-dtype");
    s.refused("rms_norm --axis 2", "--axis is 2; expected -2 to 1, as x has 2 dimensions");
    s.refused("rms_norm --axis -3", "--axis is -3");
    s.refused("rms_norm --target pdp-11", "unsupported target: --target is \"pdp-11\"");
    s.refused("rms_norm --kernel fast", "argument: --kernel is \"fast\"");
    s.refused("rms_norm --device tpu", "--device");
    s.refused("rms_norm --store slow", "--store");
    s.refused("rms_norm --threads -1", "threads is -1");
    s.refused("rms_norm --threads many", "--threads");
    s.refused("rms_norm --weight-offset ''", "--weight-offset");
    s.refused("rms_norm --axis ''", "--axis");
    s.refused("rms_norm --prefix 'a\nb'", "a\\nb");
    s.refused("", "op is required");
    s.refused("rms_norm --prefix y", "\"y.x\"");
    s.refused("rms_norm --colour", "--colour");
    const Result cuda = s.run("rms_norm --device cuda");
    CHECK((cuda.status == 0 || contains(cuda.err, "norma: no such device: --device is CUDA 0; ")));

    s.input.tensors["weight"] = tensor("F32", {39}, 2);
    s.refused("rms_norm", "weight is [39]; expected [40]");
    s.input.tensors["weight"] = {"I32", {40}, std::vector<char>(160)};
    s.refused("rms_norm", "weight is I32; expected one of F32, F16, BF16");
    s.input.tensors.erase("weight");
    s.input.tensors["residual"] = tensor("F32", {2, 40}, 3);
    s.refused("rms_norm", "residual is [2, 40]; expected [3, 40]");
    s.input.tensors.erase("residual");
    s.input.tensors["bias"] = tensor("BF16", {40}, 3);
    s.refused("rms_norm --contract hf", "argument: " + s.in + ": bias is bf16; expected none with contract hf");
    s.refused("rms_norm", "\"bias\": \"bf16\"");  // the manifest line that would add it
    s.input.tensors["x"] = {"F32", {3, 0}, {}};
    s.input.tensors["bias"] = {"F32", {0}, {}};
    s.refused("rms_norm", s.in + ": the hidden size of x is 0; expected 1 to");
    s.input.tensors.erase("bias");
    s.input.tensors["x"] = {"F64", {3, 40}, std::vector<char>(960)};
    s.refused("rms_norm", "x is F64; expected one of F32, F16, BF16, I8, I32");
    s.input.tensors["x"] = tensor("F32", {}, 1);
    s.refused("rms_norm", s.in + ": x has no dimensions; expected 1 or more");
    s.input.tensors.erase("x");
    s.refused("rms_norm", "has no tensor \"x\"");

    check_refused("norma", norma_command("run rms_norm --output " + s.out), "--input is required");
    check_refused("norma", norma_command("run rms_norm --input " + s.in), "--output is required");
    check_refused("norma", norma_command("run rms_norm --input /no/such/file --output " + s.out), "cannot be read");
    check_refused("norma", norma_command("run rms_norm --input " + s.d.path.string() + " --output " + s.out),
                  "not a regular");
    CHECK(!fs::exists(s.out));
}

TEST_CASE("an output that cannot be written is refused, and what is there stays", "[cli]") {
    Session s;
    fs::create_directories(s.d.path / "folder");
    REQUIRE(mkfifo((s.d / "pipe").c_str(), 0600) == 0);
    fs::create_symlink("real", s.d.path / "link");
    s.d.write("real", "old");
    st::write(s.in, s.input);
    const std::string run = "run rms_norm --input " + s.in + " --output ";
    check_refused("norma", norma_command(run + s.d / "no/folder/out"), "cannot be written");
    check_refused("norma", norma_command(run + s.d / "folder"), "not a regular file");
    check_refused("norma", norma_command(run + s.d / "pipe"), "not a regular file");
    check_refused("norma", norma_command(run + "''"), "cannot be written");
    CHECK(fs::is_fifo(s.d.path / "pipe"));

    CHECK(norma_command(run + s.d / "link").status == 0);
    CHECK(fs::is_symlink(s.d.path / "link"));
    CHECK(st::read(s.d / "real").tensors.count("y") == 1);
    CHECK(std::distance(fs::directory_iterator(s.d.path), fs::directory_iterator{}) == 5);
}
