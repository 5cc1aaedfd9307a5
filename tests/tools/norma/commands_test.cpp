// SPDX-License-Identifier: MIT
// The norma command: list, info, demo, and what all its commands share.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/kernels.h"
#include "tests/support/page.h"
#include "tools/base/origins.h"
#include "tools/reference/reference.h"
#include "tools/safetensors/safetensors.h"

namespace {

namespace st = norma::safetensors;
using nlohmann::json;

const std::string sample = NORMA_SOURCE_DIR "/examples/data/minilm_layer_norm.safetensors";

Result norma_command(const std::string &arguments, const std::string &environment = "") {
    return shell(environment + " " NORMA_PROGRAM " " + arguments);
}

std::string output_of(const std::string &arguments, const std::string &environment = "") {
    const Result result = norma_command(arguments, environment);
    INFO(result.err);
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    return result.out;
}

std::string chosen_target(const std::string &environment = "") {
    const json info = json::parse(output_of("info --json", environment));
    std::string chosen;
    for (const json &target : info.at("targets")) {
        chosen += target.at("chosen").get<bool>() ? target.at("name").get<std::string>() + " " : "";
    }
    return chosen;
}

// Of a layer norm over one row of 64.
st::File one_layer() {
    st::File file;
    for (const char *part : {"x", "weight", "bias"}) {
        st::Tensor tensor = {"F32", {64}, {}};
        for (int i = 0; i < 64; i++) {
            const float value = static_cast<float>(i % 7) - 3.0F;
            const char *bytes = reinterpret_cast<const char *>(&value);
            tensor.bytes.insert(tensor.bytes.end(), bytes, bytes + sizeof value);
        }
        file.tensors[std::string("layer.") + part] = tensor;
    }
    file.tensors["layer.x"].shape = {1, 64};
    return file;
}

// The demo's table: its lines with a kernel's number at the end.
std::vector<std::string> table(const std::string &output) {
    std::vector<std::string> rows;
    for (const std::string &line : lines(output)) {
        if (!line.empty() && line.back() == ']') {
            rows.push_back(line);
        }
    }
    return rows;
}

}  // namespace

TEST_CASE("list and info agree", "[cli]") {
    const json kernels = json::parse(output_of("list --json")), info = json::parse(output_of("info --json"));
    CHECK(info.at("kernels") == kernels.size());
    const json &device = info.at("devices").at("cpu");  // as records have it
    CHECK(device.size() == 5);
    CHECK(device.at("cpu") == info.at("cpu"));
    size_t sum = 0;
    for (const json &target : info.at("targets")) {
        sum += target.at("kernels").get<size_t>();
    }
    CHECK(sum == kernels.size());
    const std::vector<std::string> list = lines(output_of("list"));
    REQUIRE(list.size() == kernels.size() + 1);
    CHECK(list.back() == std::to_string(kernels.size()) + " kernels");
    for (size_t i = 0; i < kernels.size(); i++) {
        CHECK(contains(list[i], kernels[i].at("name").get<std::string>()));
        CHECK(contains(list[i], kernels[i].at("target").get<std::string>()));
    }
}

TEST_CASE("list names only what is asked for", "[cli]") {
    const json all = json::parse(output_of("list --json"));
    const std::string target = norma::test::baseline_target();
    size_t expected = 0;
    for (const json &kernel : all) {
        const int64_t exact = kernel.at("hidden_exact"), most = kernel.at("hidden_most");
        expected += kernel.at("op") == "rms_norm_forward" && kernel.at("x") == "bf16" && kernel.at("y") == "i8" &&
                    kernel.at("target") == target && (most == 0 || most >= 100) &&
                    (exact != 0 ? exact == 100 : 100 % kernel.at("hidden_multiple").get<int64_t>() == 0);
    }
    const std::string filters = "--op rms_norm --dtype bf16:i8 --hidden 100 --target " + target;
    CHECK(expected > 0);
    CHECK(expected < all.size());
    CHECK(json::parse(output_of("list --json " + filters)).size() == expected);
    CHECK(lines(output_of("list " + filters)).size() == expected + 1);
    CHECK(output_of("list --hidden 100 --op layer_norm --dtype f32:u8 --target " + target).find("y_f32") ==
          std::string::npos);
    for (const auto &[option, part] : {std::pair("--op softmax", "--op"),
                                       {"--dtype f64", "--dtype: \"f64\"; expected a type of x, one of f32"},
                                       {"--dtype f32:f64", "--dtype: \"f32:f64\""},
                                       {"--hidden 0", "--hidden"},
                                       {"--target pdp-11", "--target: \"pdp-11\"; expected one of this library's, "}}) {
        check_refused("norma", norma_command(std::string("list ") + option), part);
    }
}

TEST_CASE("a misspelt command is answered by the nearest one", "[cli]") {
    check_refused("norma", norma_command("benhc"), "\"benhc\" is not a command; expected one of list, info, ");
    CHECK(contains(norma_command("benhc").err, "; is bench meant?"));
    CHECK_FALSE(contains(norma_command("frobnicate").err, "meant?"));
}

TEST_CASE("info says whose records decided", "[cli]") {
    std::map<std::string, std::vector<std::string>> origins;
    for (const json &kernel : json::parse(output_of("list --json"))) {
        origins[kernel.at("target")].push_back(kernel.at("origin"));
    }
    const json info = json::parse(output_of("info --json"));
    for (const json &target : info.at("targets")) {
        CHECK(target.at("knobs") == norma::origins_text(origins[target.at("name")]));
    }
    CHECK(norma::origins_text({"default", "record 1: 0.9 of the default's time (2026-01-01) on A, b; 8192 elements",
                               "record 2: 0.8 of the default's time (2026-01-01) on A, b", "default: why"}) ==
          "2 kernels by records of A, b; 2 have defaults");
}

TEST_CASE("info says how a kernel was made", "[cli]") {
    const json kernel = json::parse(output_of("list --json")).at(0);
    const std::string name = kernel.at("name"), text = output_of("info --kernel " + name);
    CHECK(json::parse(output_of("info --json --kernel " + name)).at(0) == kernel);
    CHECK(contains(text, "strategy " + kernel.at("strategy").get<std::string>()));
    CHECK(contains(text, "from " + kernel.at("origin").get<std::string>()));
    CHECK(contains(text, kernel.at("knobs").dump()));
    check_refused("norma", norma_command("info --kernel fast"), "--kernel is \"fast\"");
    check_refused("norma", norma_command("info --kernel ''"), "--kernel is \"\"");
}

TEST_CASE("info says which target is chosen, and why", "[cli]") {
    const std::string best = chosen_target("NORMA_TARGET=");
    CHECK(lines(best).size() == 1);
    CHECK(contains(output_of("info", "NORMA_TARGET="), "chosen: the best that this CPU runs"));
    const std::string baseline = norma::test::baseline_target();
    CHECK(chosen_target("NORMA_TARGET=" + baseline) == baseline + " ");
    CHECK(contains(output_of("info", "NORMA_TARGET=" + baseline), "chosen: forced by NORMA_TARGET"));
    CHECK(chosen_target("NORMA_TARGET=pdp-11").empty());
    CHECK(contains(output_of("info", "NORMA_TARGET=pdp-11"), "none is chosen, NORMA_TARGET is \"pdp-11\""));
}

TEST_CASE("demo shows each layer of a model in each type, and why its kernel", "[cli]") {
    const std::string out = output_of("demo " + sample);
    const std::vector<std::string> rows = table(out);
    CHECK(rows.size() == 12);
    for (const auto &[name, tensor] : st::read(sample).tensors) {
        if (name.substr(name.size() - 2) == ".x") {
            const auto named = [layer = name.substr(0, name.size() - 2) + " "](const std::string &row) {
                return row.rfind(layer, 0) == 0;
            };
            CHECK(std::count_if(rows.begin(), rows.end(), named) == 3);
        }
    }
    CHECK(contains(out, "all-MiniLM-L6-v2"));
    CHECK(contains(out, "eps 1e-12"));
    CHECK(contains(out, "[1] layer_norm_forward.x_f32.w_f32.b_f32.y_f32.fp32_once."));
    CHECK(contains(out, "the narrowest"));
    const std::string baseline = norma::test::baseline_target();
    CHECK(contains(output_of("demo " + sample, "NORMA_TARGET=" + baseline),
                   "target " + baseline + ": forced by NORMA_TARGET"));
}

TEST_CASE("demo takes layers without weight or bias, and eps from the file", "[cli]") {
    Directory d;
    st::File file = one_layer();
    st::write(d / "f", file);
    CHECK(contains(output_of("demo " + d / "f"), "eps 1e-05"));
    file.tensors.erase("layer.bias");
    file.metadata["eps"] = "0.25";
    st::write(d / "f", file);
    CHECK(contains(output_of("demo " + d / "f"), "eps 0.25"));
    file.tensors.erase("layer.weight");
    st::write(d / "f", file);
    CHECK(contains(output_of("demo " + d / "f"), "layer_norm_forward.x_f32.y_f32."));
}

TEST_CASE("demo shows names as text, whatever they would do to a terminal", "[cli]") {
    Directory d;
    st::File file = one_layer();
    file.metadata["model"] = "a\x1b[2J\nb";
    auto x = file.tensors.extract("layer.x");
    x.key() = "la\x1byer" + std::string(5000, 'y') + ".x";
    file.tensors.insert(std::move(x));
    st::write(d / "f", file);
    const std::string out = output_of("demo " + d / "f");
    CHECK(out.rfind(R"(a\x1b[2J\nb: layer norms)", 0) == 0);
    CHECK(contains(out, R"(la\x1byeryyy)"));
    CHECK_FALSE(contains(out, "\x1b"));
    CHECK_FALSE(contains(out, std::string(1000, ' ')));
}

TEST_CASE("demo refuses in one line", "[cli]") {
    Directory d;
    const auto refused = [&](auto change, const std::string &part) {
        st::File file = one_layer();
        change(file);
        st::write(d / "f", file);
        check_refused("norma", norma_command("demo " + d / "f"), part);
    };
    for (const char *eps : {"small", "", "-1", "nan", "1e39", "1e-46", "1e-5x"}) {
        refused([&](st::File &f) { f.metadata["eps"] = eps; }, std::string("have eps \"") + eps);
    }
    refused([](st::File &f) { f.tensors["layer.weight"].shape = {8, 8}; }, "expected the shape [64]");
    refused([](st::File &f) { f.tensors["layer.x"].dtype = "I32"; }, "I32; expected F32, F16 or BF16");
    refused([](st::File &f) { f.tensors["layer.x"].dtype = "U32"; }, "U32; expected F32, F16 or BF16");
    refused([](st::File &f) { f.tensors["layer.x"] = {"F32", {0, 64}, {}}; }, "layer.x has no rows");
    refused([](st::File &f) { f.tensors["layer.x"] = {"F32", {3, 0}, {}}; }, "layer.x has no rows");
    refused([](st::File &f) { f.tensors.erase("layer.x"); }, "no tensor whose name ends in .x");
    const auto many = [](st::File &f) {
        for (int i = 0; i < 1000; i++) {
            f.tensors[std::to_string(i) + ".x"] = f.tensors["layer.x"];
        }
    };
    refused(many, "has 1001 tensors whose names end in .x; expected at most 1000");
    check_refused("norma", norma_command("demo /no/such/file"), "cannot be read");
    check_refused("norma", norma_command("demo " + sample, "NORMA_TARGET=pdp-11"), "NORMA_TARGET is \"pdp-11\"");
    check_refused("norma", norma_command("demo"), "file is required");
}

TEST_CASE("the command itself", "[cli]") {
    check_refused("norma", norma_command(""), "required");
    check_refused("norma", norma_command("dance"), "dance");
    check_refused("norma", norma_command("list kernels"), "kernels");
    CHECK(contains(output_of("--help"), "demo"));
    CHECK(output_of("--version") == "0.1.0\n");
    const std::string page = output_of("--man");
    for (const char *line : {".TH NORMA 1", "\n.SS bench\n", "\n.B \\-\\-seconds FLOAT:NUMBER\n", "default: 0.7"}) {
        CHECK(contains(page, line));
    }
    const std::string script = "bash -c '. <(" NORMA_PROGRAM
                               " --completion bash); COMP_WORDS=(norma $0 $1); COMP_CWORD=$2; "
                               "_norma; echo ${COMPREPLY[*]}' ";
    CHECK(shell(script + "ben '' 1").out == "bench\n");
    CHECK(shell(script + "bench --sec 2").out == "--seconds\n");
    const std::string zsh = output_of("--completion zsh"), fish = output_of("--completion fish");
    CHECK(contains(zsh, "        bench) known=\"--help --op "));
    CHECK(contains(zsh, "compdef _norma norma\n"));
    CHECK(contains(fish, "complete -c norma -n '__fish_use_subcommand' -f -a bench -d 'Time kernels against copies"));
    CHECK(contains(fish, "complete -c norma -n '__fish_seen_subcommand_from bench' -l seconds -r -d 'time spent on"));
    CHECK(contains(fish, "complete -c norma -n '__fish_seen_subcommand_from bench' -l residual -d 'add a residual"));
    check_refused("norma", norma_command("--completion csh"), "--completion: \"csh\"; expected bash, fish or zsh");
    check_refused("norma", norma_command("--completion"), "--completion");
    for (const char *command : {"list", "list --json", "info", "--help"}) {
        const Result full = shell(NORMA_PROGRAM " " + std::string(command) + " > /dev/full");
        INFO(command << ": " << full.err);
        CHECK(full.status == 1);
        CHECK(full.err.rfind("norma: ", 0) == 0);
    }
}

TEST_CASE("bench is one of its commands", "[cli]") {
    check_refused("norma", norma_command("bench --dtype f33"), "f33");
    check_refused("norma", norma_command("bench --shapes 1x64 --seconds ''"), "--seconds");
    const json bench = json::parse(output_of("bench --op rms_norm --shapes 2x64 --seconds 0.01 --json -"));
    for (const char *key : {"op", "dtype", "rows", "hidden", "kernel", "target", "threads", "ns", "ns_spread", "bytes",
                            "copy_ns", "stream_copy_ns", "ratio"}) {
        CHECK(bench.at("results").at(0).contains(key));
    }
    CHECK(bench.contains("machine"));
}

TEST_CASE("bench writes a page with the plots of its run", "[cli]") {
    Directory d;
    output_of("bench --op rms_norm,layer_norm_backward --shapes 1x64,5x128,1000x64 --yardstick --seconds 0 --html " +
              d / "bench.html");
    const std::string page = check_page(d / "bench.html");
    for (const char *part :
         {"Measured on 2", "<code>norma bench --op rms_norm,layer_norm_backward ", ">rms_norm, f32</text>",
          ">layer_norm_backward, f32</text>", ">hand-written</text>", "time / time of a copy (less is better)",
          ">5x128</text>", "nanoseconds, the call included", "<h3>Results</h3>\n<pre>"}) {
        CAPTURE(part);
        CHECK(contains(page, part));
    }
    output_of("bench --kernel all --shapes 2x64 --seconds 0 --html " + d / "bench.html");
    CHECK(contains(check_page(d / "bench.html"), ">rms_norm_forward.x_"));
}
