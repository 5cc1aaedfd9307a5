// SPDX-License-Identifier: MIT
// Target files and the command line of normagen: what is chosen, and how each wrong one is refused.
#include "tests/support/normagen.h"

#include <map>
#include <set>

TEST_CASE("targets are listed with their parents merged in, the best first", "[normagen]") {
    const json targets = json::parse(normagen("targets --json").out);
    REQUIRE(targets.size() >= 4);
    for (size_t i = 1; i < targets.size(); i++) {
        CHECK(targets[i - 1].at("features").size() >= targets[i].at("features").size());
    }
    const json &v4 = targets[1];
    CHECK(v4.at("name") == "x86-64-v4");
    CHECK(v4.at("parent") == "x86-64-v3");
    CHECK(v4.at("halide") == "x86-64-linux-sse41-avx-avx2-fma-f16c-avx512-avx512_skylake");
    CHECK(v4.at("run_time").at("prefetch_row_min") == 2048);       // from the parent's parent
    CHECK(v4.at("knobs").at("cpu_rows").at("vector") == 16);       // its own
    CHECK(v4.at("knobs").at("cpu_rows").at("chunk").is_number());  // from a parent

    const Result text = normagen("targets");
    CHECK(text.status == 0);
    CHECK(contains(text.out, "x86-64-v4, on top of x86-64-v3"));
    CHECK(contains(text.out, "needs SSE4.1"));
}

TEST_CASE("a wrong target file is refused in one line that names the place", "[normagen]") {
    const std::string run_time =
        R"("run_time": {"streaming_threshold": 1, "prefetch_row_min": 1, "prefetch_row_max": 1, "grain_size": 1})";
    const std::string base = R"({"name": "a", "needs": "n", "halide": "x86-64-linux", )" + run_time;
    const std::string arm = R"({"name": "a", "needs": "n", "halide": "arm-64-linux", )" + run_time;
    struct Case {
        std::string a, message;
    };
    const std::vector<Case> cases = {
        {base, "a.json: not JSON"},
        {R"({"name": "b"})", "a.json: name: \"b\" is not the name of the file; expected a"},
        {R"({"name": "a"})", "a.json: \"needs\" is missing"},
        {R"({"name": "a", "needs": "n"})", "a.json: \"halide\" is missing"},
        {R"({"name": "a", "needs": "n", "halide": "x86-64-linux"})", "run_time.streaming_threshold is missing"},
        {R"({"name": "a", "needs": "n", "halide": "z80-64-linux", )" + run_time + "}", "is not a target of Halide"},
        {R"({"name": "a", "needs": "n", "parent": "z"})", "a.json: parent: \"z\" is not a target; expected one of a"},
        {R"({"name": "a", "needs": "n", "parent": "a"})", "a.json: parent: the parents of a form a circle"},
        {base + R"(, "features": ["avx9"]})", "features[0]: \"avx9\" is not a CPU feature"},
        {base + R"(, "features": ["no_asserts"]})", "features[0]: \"no_asserts\" is not a CPU feature"},
        {base + R"(, "features": ["avx512_knl"]})", "features[0]: \"avx512_knl\" is not a CPU feature"},
        {base + R"(, "features": ["armv86a"]})", "features[0]: \"armv86a\" is not a CPU feature"},
        {arm + R"(, "features": ["sve2"]})", "a.json: \"arm-64-linux-sve2\" has SVE"},
        {R"({"name": "a", "needs": "n", "halide": "arm-64-linux-armv86a", )" + run_time + "}",
         "halide: \"arm-64-linux-armv86a\" has features; expected them in features"},
        {arm + R"(, "knobs": {"cpu_rows": {"native_f16": 1}}})", "for a: native_f16 is 1"},
        {arm + R"(, "features": ["arm_fp16"], "knobs": {"cpu_rows": {"native_bf16": 1}}})", "for a: native_bf16 is 1"},
        {base + R"(, "knobs": {"cpu_rows": {"lanes": "x"}}})", "knobs.cpu_rows.lanes: \"x\" is not an integer"},
        {base + R"(, "knobs": []})", "knobs: [] is not an object"},
        {base + R"(, "knobs": {"cpu_rows": {"speed": 11}}})", "for a: \"speed\" is not a knob of cpu_rows"},
        {base + R"(, "knobs": {"cpu_rows": {"lanes": 3}}})", "for a: lanes is 3; expected"},
        {base + R"(, "dtypes": ["bf16"]})", "a.json: \"parent\" is missing"},
        {R"({"name": "a", "needs": "n", "parent": "a", "dtypes": ["f99"]})", "a.json: dtypes[0]: \"f99\""},
        {base + R"(, "colour": 1})", "unknown key \"colour\""},
    };
    for (const Case &c : cases) {
        Directory d;
        INFO(c.a);
        d.write("targets/a.json", c.a);
        d.write("m.json", two);
        check_refused(normagen("compile --target-files " + d / "targets" + " --target a --manifest " + d / "m.json" +
                               " --out " + d / "out"),
                      c.message);
        CHECK_FALSE(fs::exists(d / "out"));
    }
    Directory d;
    d.write("targets/a.json", base + "}");
    CHECK(contains(normagen("targets --target-files " + d / "targets").out, "a\n    needs n\n    x86-64-linux\n"));
    check_refused(normagen("targets --target-files " + d / "none"), "no targets");
}

TEST_CASE("what a target leaves to its parent is compiled once, and found under both names", "[normagen]") {
    Directory d;
    const std::string types =
        R"({"schema": 1, "name": "t", "kernels": [{"op": "rms_norm_forward", "x": ["f32", "bf16"]}]})";
    const std::string command = "compile --records none --manifest " + d.write("m.json", types) + " --out ";
    const Result both = normagen(command + d / "both" + " --target x86-64-v4-bf16,x86-64-v4");
    INFO(both.err);
    REQUIRE(both.status == 0);
    std::map<std::string, std::set<std::string>> symbols;  // by kernel
    const json lock = json::parse(read(d.path / "both/manifest.lock.json"));
    for (const json &kernel : lock.at("kernels")) {
        symbols[kernel.at("name")].insert(kernel.at("symbol").get<std::string>());
    }
    REQUIRE(symbols.size() == 2);
    for (const auto &[name, of_targets] : symbols) {
        CHECK(of_targets.size() == (contains(name, "bf16") ? 2 : 1));
    }
    CHECK(contains(read(d.path / "both/registry.cpp"), "const int32_t kernel_count = 4;"));
    CHECK(lines(read(d.path / "both/objects.rsp")).size() == 3);
    // The parent need not be in the library.
    CHECK(normagen(command + d / "one" + " --target x86-64-v4-bf16").status == 0);
    CHECK(lines(read(d.path / "one/objects.rsp")).size() == 2);
    CHECK(contains(read(d.path / "one/registry.cpp"), "const int32_t target_count = 1;"));
}

TEST_CASE("targets whose names are one in a symbol are refused", "[normagen]") {
    Directory d;
    for (const std::string name : {"a-b", "a_b"}) {
        d.write("targets/" + name + ".json", R"({"name": ")" + name + R"(", "needs": "n", "parent": "x86-64-v2"})");
    }
    fs::copy(source + "/schedules/targets/x86-64-v2.json", d.path / "targets/x86-64-v2.json");
    const Result result = normagen("compile --records none --target a-b,a_b --target-files " + d / "targets" +
                                   " --manifest " + d.write("m.json", two) + " --out " + d / "out");
    CHECK(result.status != 0);
    CHECK(contains(result.err, "_a_b: two kernels have this symbol"));
    CHECK_FALSE(fs::exists(d.path / "out/manifest.lock.json"));
}

TEST_CASE("a library for two architectures is refused", "[normagen]") {
    Directory d;
    const std::string all = R"({"schema": 1, "name": "t", "targets": ["x86-64-v2", "aarch64"], "kernels": [)"
                            R"({"op": "rms_norm_forward", "x": "f32"}]})";
    const std::string why = "targets x86-64-v2 (x86-64-linux) and aarch64 (arm-64-linux) are of two architectures";
    check_refused(normagen("compile --target all --manifest " + d.write("m.json", all) + " --out " + d / "out"), why);
    check_refused(normagen("list --target x86-64-v2,aarch64 --manifest " + minimal), why);
    CHECK_FALSE(fs::exists(d / "out"));
    // Left out, targets are those of this machine's architecture.
    const json list = json::parse(normagen("list --json --target all --manifest " + d.write("two.json", two)).out);
    for (const json &kernel : list.at("kernels")) {
        CHECK(kernel.at("target").get<std::string>().rfind("x86-64", 0) == 0);
    }
}

TEST_CASE("a wrong command line is refused in one line", "[normagen]") {
    Directory d;
    const std::string out = " --out " + d / "out";
    check_refused(normagen(""), "subcommand");
    check_refused(normagen("frobnicate"), "");
    check_refused(normagen("list"), "--manifest");
    check_refused(normagen("list --frob --manifest " + minimal), "--frob");
    check_refused(normagen("list --target x86-64-v9 --manifest " + minimal),
                  "--target: \"x86-64-v9\" is not a target; expected one of");
    check_refused(normagen("compile --manifest " + minimal + out), "--target");
    check_refused(normagen("compile --target all --manifest " + minimal), "--out");
    check_refused(normagen("compile --target all"), "--manifest");
    check_refused(normagen("compile --target x86-64-v2,,x86-64-v3 --manifest " + minimal + out),
                  "--target: \"\" is not a target");
    check_refused(normagen("compile --target all --jobs 0 --manifest " + minimal + out), "--jobs");
    check_refused(normagen("compile --target all --jobs x --manifest " + minimal + out), "--jobs");
    check_refused(normagen("compile --target all --timeout 0 --manifest " + minimal + out), "--timeout");
    const std::string one = "compile -o " + d / "file" + " --stage stmt ";
    check_refused(normagen(one + "--target x86-64-v2 --kernel rms_norm"), "\"rms_norm\" is not a kernel's name");
    check_refused(normagen(one + "--target x86-64-v2 --kernel batch_norm.x_f32.y_f32.fp32_once.any"), "is not an op");
    check_refused(normagen(one + "--target x86-64-v2 --kernel rms_norm_forward.x_f99.y_f32.fp32_once.any"), "\"f99\"");
    check_refused(normagen(one + "--target x86-64-v2 --kernel rms_norm_forward.y_f32.x_f32.fp32_once.any"), "name");
    check_refused(normagen(one + "--target x86-64-v2 --kernel layer_norm_forward.x_f32.y_f32.hf.any"),
                  "contract is hf; expected fp32_once");
    check_refused(normagen(one + "--target all --kernel rms_norm_forward.x_f32.y_f32.fp32_once.any"), "one --target");
    check_refused(
        normagen("compile --stage x -o y --target x86-64-v2 --kernel rms_norm_forward.x_f32.y_f32.fp32_once.any"),
        "--stage");
    CHECK(fs::is_empty(d.path));
    CHECK(normagen("--help").status == 0);
}

TEST_CASE("host is the best target of the manifest that this machine runs", "[normagen]") {
    const std::string kernels = R"("kernels": [{"op": "rms_norm_forward", "x": "f32"}])";
    Directory d;
    std::string best;
    for (const json &target : json::parse(normagen("targets --json").out)) {
        if (best.empty() && target.at("runs_here")) {
            best = target.at("name");
        }
    }
    auto targets_of = [&](const std::string &manifest_text, const std::string &target) {
        const std::string path = d.write("m.json", manifest_text);
        const json list = json::parse(normagen("list --json --target " + target + " --manifest " + path).out);
        std::set<std::string> names;
        for (const json &kernel : list.at("kernels")) {
            names.insert(kernel.at("target").get<std::string>());
        }
        return names;
    };
    using Names = std::set<std::string>;
    const std::string every = R"({"schema": 1, "name": "t", )" + kernels + "}";
    const std::string low = R"({"schema": 1, "name": "t", "targets": ["x86-64-v2"], )" + kernels + "}";
    CHECK(targets_of(every, "host") == Names{best});
    CHECK(targets_of(low, "host") == Names{"x86-64-v2"});
    CHECK(targets_of(low, "all") == Names{"x86-64-v2"});
    CHECK(targets_of(low, "x86-64-v3") == Names{"x86-64-v3"});
    CHECK(targets_of(every, "all").size() >= 4);
}

TEST_CASE("without the CUDA toolkit, targets of CUDA are skipped with a line that says so", "[normagen]") {
    Directory d;
    const std::string none = "NORMA_CUDA_BIN=" + d / "none";
    const std::string both = R"({"schema": 1, "name": "t", "targets": ["cuda-sm80", "x86-64-v2"], "kernels": [)"
                             R"({"op": "rms_norm_forward", "x": "f32"},)"
                             R"({"device": "cuda", "op": "rms_norm_forward", "x": "f32", "hidden": 64}]})";
    const Result list = normagen("list --json --target all --manifest " + d.write("m.json", both), none);
    CHECK(list.status == 0);
    CHECK(list.err == "normagen: cuda-sm80 is skipped: no ptxas and fatbinary; script/setup cuda installs them\n");
    CHECK(json::parse(list.out).at("count") == 1);
}
