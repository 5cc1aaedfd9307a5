// SPDX-License-Identifier: MIT
// What normagen compile writes, keeps, and survives.
#include "tests/support/normagen.h"

#include <map>

namespace {

std::map<std::string, fs::file_time_type> file_times(const fs::path &directory) {
    std::map<std::string, fs::file_time_type> times;
    for (const auto &entry : fs::recursive_directory_iterator(directory)) {
        if (entry.path().filename() != ".normagen.lock") {  // who has the directory
            times[entry.path().string()] = entry.last_write_time();
        }
    }
    return times;
}

size_t count_objects(const fs::path &directory) {
    size_t count = 0;
    for (const auto &entry : fs::directory_iterator(directory)) {
        count += entry.path().extension() == ".o";
    }
    return count;
}

const std::string plain = "rms_norm_forward.x_f32.y_f32.fp32_once.any";
const std::string weighted = "rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.any";

}  // namespace

TEST_CASE("normagen says its version, and which command a misspelt one may be", "[normagen]") {
    const Result version = normagen("--version");
    CHECK(version.status == 0);
    CHECK(version.out.rfind("normagen 0.1.0, Halide ", 0) == 0);
    check_refused(normagen("bundel --out x"), "\"bundel\" is not a command; expected one of list, ");
    CHECK(contains(normagen("bundel").err, "; is bundle meant?"));
}

TEST_CASE("compile writes what a build needs, and writes nothing anew without a change", "[normagen]") {
    Directory d;
    d.write("m.json", two);
    const std::string command =
        "compile --records none --target x86-64-v3,x86-64-v2 --manifest " + d / "m.json" + " --out '" + d / "out dir'";
    const Result first = normagen(command);
    INFO(first.err);
    REQUIRE(first.status == 0);
    CHECK(contains(first.out, "0 cached, 4 compiled, 0 failed"));
    const fs::path out = d.path / "out dir";
    CHECK(count_objects(out / "objects") == 4);
    CHECK(count_objects(out / "cache") == 4);

    const std::string registry = read(out / "registry.cpp");
    CHECK(registry.find("{\"x86-64-v3\"") < registry.find("{\"x86-64-v2\""));
    CHECK(contains(registry, "const int32_t target_count = 2;"));
    CHECK(contains(registry, "const int32_t kernel_count = 4;"));
    CHECK(contains(registry, "{norma_op(2), norma_contract(1), norma_dtype(1), norma_dtype(1), norma_dtype(0)"));
    CHECK(contains(registry, "Role::user_context, Role::x"));
    // halide_target_feature_t: sse41 5, avx 6, avx2 7, fma 9, f16c 11 in Halide 21.
    CHECK(contains(registry, "\"x86-64-linux-sse41-avx-avx2-fma-f16c\", {0xae0, 0x0, 0x0, 0x0}"));
    CHECK(contains(registry, "\"x86-64-linux-sse41\", {0x20, 0x0, 0x0, 0x0}"));

    const json lock = json::parse(read(out / "manifest.lock.json"));
    REQUIRE(lock.at("kernels").size() == 4);
    for (const json &kernel : lock.at("kernels")) {
        const std::string symbol = kernel.at("symbol");
        CHECK(fs::exists(out / "objects" / (symbol + ".o")));
        CHECK(contains(registry, symbol + "_argv"));
        CHECK(kernel.at("origin") == "default");
    }
    // The linker reads the list, also with a blank in the path.
    const Result linked = shell("cd / && ld -r -o " + d / "all.o" + " '@" + (out / "objects.rsp").string() + "'");
    INFO(linked.err);
    CHECK(linked.status == 0);
    CHECK(lines(read(out / "objects.rsp")).size() == 4);

    const auto times = file_times(out);
    const Result second = normagen(command);
    CHECK(second.status == 0);
    CHECK(second.seconds < 1);
    CHECK(contains(second.out, "4 cached, 0 compiled, 0 failed"));
    CHECK(file_times(out) == times);
}

TEST_CASE("the cache serves other directories and manifests, and heals", "[normagen]") {
    Directory d;
    d.write("two.json", two);
    d.write("one.json", manifest(R"({"op": "rms_norm_forward", "x": "f32"})"));
    auto compile = [&](const std::string &name, const std::string &out) {
        return normagen("compile --target x86-64-v2 --manifest " + d / name + " --cache " + d / "cache" + " --out " +
                        d / out);
    };
    CHECK(contains(compile("two.json", "a").out, "0 cached, 2 compiled"));
    CHECK_FALSE(fs::exists(d / "a/cache"));
    CHECK(contains(compile("two.json", "b").out, "2 cached, 0 compiled"));
    CHECK(read(d / "a/registry.cpp") == read(d / "b/registry.cpp"));

    CHECK(contains(compile("one.json", "a").out, "1 cached, 0 compiled"));
    CHECK(count_objects(d / "a/objects") == 1);  // the other one is of an earlier manifest
    CHECK(lines(read(d / "a/objects.rsp")).size() == 1);

    for (const auto &entry : fs::directory_iterator(d / "cache")) {
        std::ofstream(entry.path(), std::ios::trunc) << "damaged";
    }
    CHECK(contains(compile("two.json", "a").out, "0 cached, 2 compiled"));
    for (const auto &entry : fs::directory_iterator(d / "a/objects")) {
        CHECK(read(entry.path()).substr(1, 3) == "ELF");
    }
    // Two at once with one cache.
    fs::remove_all(d / "cache");
    const std::string other = " " NORMAGEN_PROGRAM " compile --target x86-64-v2 --manifest " + d / "two.json" +
                              " --cache " + d / "cache" + " --out " + d / "c";
    CHECK(shell(other + " & pid=$!; " + other + "2 && wait $pid").status == 0);
    CHECK(read(d / "c/registry.cpp") == read(d / "c2/registry.cpp"));
}

TEST_CASE("a kernel that aborts or throws is named and costs only itself", "[normagen]") {
    Directory d;
    d.write("m.json", two);
    const std::string command = "compile --target x86-64-v2 --manifest " + d / "m.json" + " --out ";
    const std::vector<std::pair<std::string, std::string>> faults = {{"abort", "killed by signal 6 (Aborted)"},
                                                                     {"throw", "exit status 1"}};
    for (const auto &[fault, how] : faults) {
        const Result result = normagen(command + d / fault, "NORMAGEN_FAULT=" + fault + ":" + weighted);
        INFO(result.err);
        CHECK(result.status == 1);
        CHECK(contains(result.err, "normagen: " + weighted + " for x86-64-v2: " + how));
        CHECK(contains(result.err, "\n    injected fault\n"));  // what the child wrote
        CHECK(contains(result.err, "1 of 2 failed"));
        CHECK_FALSE(contains(result.err, "normagen: " + plain));
        CHECK(contains(result.out, "1 compiled, 1 failed"));
        CHECK_FALSE(fs::exists(d / (fault + "/registry.cpp")));
        CHECK(count_objects(d / (fault + "/cache")) == 1);
        // Without the fault, the rest is done.
        CHECK(contains(normagen(command + d / fault).out, "1 cached, 1 compiled, 0 failed"));
    }
}

// The others come from the cache, so that a slow machine cannot push them over a short time limit.
TEST_CASE("a kernel that hangs is ended at its time limit, and progress is shown meanwhile", "[normagen]") {
    Directory d;
    d.write("one.json", manifest(R"({"op": "rms_norm_forward", "x": "f32"})"));
    d.write("m.json", two);
    const std::string common = "compile --target x86-64-v2 --out " + d / "out" + " --manifest " + d / "";
    REQUIRE(normagen(common + "one.json").status == 0);
    const std::string command = common + "m.json --timeout ", fault = "NORMAGEN_FAULT=hang:" + weighted + " ";

    const Result piped = normagen(command + "6", fault);
    INFO(piped.err);
    CHECK(piped.status == 1);
    CHECK(contains(piped.err, "normagen: " + weighted + " for x86-64-v2: killed at its time limit of 6 s after 6."));
    CHECK(contains(piped.out, "1 cached, 0 compiled, 1 failed"));
    CHECK(contains(piped.err, "[1/2] 1 cached, 5 s, " + weighted));
    CHECK_FALSE(contains(piped.err, "\r"));

    const Result terminal = shell(fault + "script -qec '" NORMAGEN_PROGRAM " " + command + "1' /dev/null < /dev/null");
    INFO(terminal.out);
    CHECK(contains(terminal.out, "\r[1/2] 1 cached, "));
}

TEST_CASE("jobs run side by side, as many as asked", "[normagen]") {
    Directory d;
    d.write("m.json", two);
    const std::string command = "compile --target x86-64-v3,x86-64-v2 --timeout 1 --manifest " + d / "m.json" +
                                " --out " + d / "out" + " --jobs ";
    CHECK(normagen(command + "1", "NORMAGEN_FAULT=hang:").seconds >= 4);
    CHECK(normagen(command + "4", "NORMAGEN_FAULT=hang:").seconds < 3);
}

TEST_CASE("one kernel can be looked at in every stage", "[normagen]") {
    Directory d;
    const std::string command = "compile --kernel rms_norm_forward.x_f32.y_f32.fp32_once.any --target ";
    auto stage = [&](const std::string &name, const std::string &target) {
        const Result result = normagen(command + target + " --stage " + name + " -o " + d / name);
        INFO(result.err);
        CHECK(result.status == 0);
        return read(d / name);
    };
    CHECK(contains(stage("stmt", "x86-64-v2"), "for (y."));
    CHECK(contains(stage("llvm", "x86-64-v2"), "define "));
    CHECK(stage("object", "x86-64-v2").substr(1, 3) == "ELF");
    CHECK(contains(stage("assembly", "x86-64-v3"), "%ymm"));
    CHECK_FALSE(contains(stage("assembly", "x86-64-v2"), "%ymm"));

    const Result failed = normagen(command + "x86-64-v2 --stage stmt -o " + d / "none", "NORMAGEN_FAULT=abort:rms");
    CHECK(failed.status == 1);
    CHECK(contains(failed.err, "rms_norm_forward.x_f32.y_f32.fp32_once.any for x86-64-v2: killed by signal 6"));
    CHECK(normagen(command + "x86-64-v2 --stage stmt -o /nonexistent/file").status == 1);
    CHECK(contains(normagen("compile --kernel rms_norm_forward.x_f32.y_f32.a_any.fp32_once.64n --target x86-64-v2 "
                            "--stage stmt -o " +
                            d / "none")
                       .err,
                   "alignment is any, which is for CUDA"));
    CHECK(fs::exists(d / "stmt"));
    CHECK_FALSE(fs::exists(d / "none"));
}

TEST_CASE("kernels for one hidden size compile, also where nothing is left of a loop", "[normagen]") {
    Directory d;
    d.write("m.json", manifest(R"({"op": ["layer_norm_forward", "layer_norm_backward", "rms_norm_forward",
        "rms_norm_backward"], "x": ["f32", "bf16"], "hidden": [1, 32, 64, 128, 1000]})"));
    const Result result = normagen("compile --target x86-64-v3 --manifest " + d / "m.json" + " --out " + d / "out");
    INFO(result.err);
    CHECK(result.status == 0);
}

TEST_CASE("an object has no instruction that its target lacks", "[normagen]") {
    Directory d;
    d.write("m.json", manifest(R"({"op": "layer_norm_forward", "x": "bf16", "weight": "x"},
                                  {"op": "rms_norm_forward", "x": ["f32", "f16"], "hidden": "64n"})"));
    REQUIRE(normagen("compile --target all --manifest " + d / "m.json" + " --out " + d / "out").status == 0);
    REQUIRE(normagen("compile --target aarch64 --manifest " + d / "m.json" + " --out " + d / "arm").status == 0);
    CHECK(contains(shell("readelf -h " + d / "arm/objects/*.o").out, "AArch64"));
    // Nor what the runtime (runtime/src/device/cpu/halide_runtime.cpp, runtime/kernel_host/cpu) and libc lack.
    CHECK(shell("nm -u " + d / "out/objects/*.o " + d / "arm/objects/*.o | grep ' U ' | sort -u | grep -vE ' " +
                "(halide_malloc|halide_free|kernel_(prefetch|stream_[a-z0-9_]+)|mem(cpy|set))$'")
              .out == "");
    const std::map<std::string, std::string> foreign = {
        {"x86_64_v2", "%ymm|%zmm|\\sv[a-z]+ps\\b|popcnt|crc32|movbe"},
        {"x86_64_v3", "%zmm|%k[0-7]"},
        {"x86_64_v4", "vcvtn|vdpb|vpdpbusd|vpermb|vpcompressb|vpmadd52"},
        // Halide's name for this level is Zen 4's; Sapphire Rapids has not all of it.
        {"x86_64_v4_bf16", "extrq|insertq|movntss|movntsd|clzero|\\bmonitorx"},
    };
    for (const auto &[target, pattern] : foreign) {
        const Result found = shell("for f in " + d / "out/objects/*_" + target +
                                   ".o; do objdump -d --no-show-raw-insn $f; done | grep -P '^ +[0-9a-f]+:[^<]*(" +
                                   pattern + ")' | head -5");
        CHECK(found.out == "");
        CHECK(found.err == "");
    }
}
