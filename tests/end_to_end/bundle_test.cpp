// SPDX-License-Identifier: MIT
// normagen bundle: what it writes, replaces, and refuses to touch. tests/end_to_end/check_consumers uses one.
#include "tests/support/normagen.h"

#include <set>

namespace {

const std::string one = manifest(R"({"op": "rms_norm_forward", "x": "f32"})");

std::set<std::string> files(const fs::path &directory) {
    std::set<std::string> names;
    for (const auto &entry : fs::recursive_directory_iterator(directory)) {
        if (!entry.is_directory()) {
            names.insert(entry.path().lexically_relative(directory).string());
        }
    }
    return names;
}

const std::set<std::string> tree = {
#ifdef NORMA_IN_BUNDLES
    "bin/norma",
#endif
    "include/norma/library.h",
    "include/norma/norma.h",
    "include/norma/norma.hpp",
    "include/norma/sharded.h",
    "include/norma/sharded.hpp",
    "lib/cmake/norma/norma-config-version.cmake",
    "lib/cmake/norma/norma-config.cmake",
    "lib/libnorma.a",
    "lib/pkgconfig/norma.pc",
    "share/norma/LICENSE",
    "share/norma/NOTICE",
    "share/norma/manifest.lock.json",
};

}  // namespace

TEST_CASE("a bundle is a tree of its own, and is replaced as a whole or not at all", "[normagen]") {
    Directory d;
    d.write("m.json", one);
    const std::string out = d / "a product";
    auto bundle = [&](const std::string &options, const std::string &environment = "",
                      const std::string &work = "work") {
        return normagen("bundle --manifest " + d / "m.json" + " --targets x86-64-v2 --jobs 2 --work " + d / work +
                            " --out '" + out + "' " + options,
                        environment);
    };
    const Result shared = bundle("--shared", "DESTDIR=/nonexistent");
    INFO(shared.err);
    REQUIRE(shared.status == 0);
    CHECK(contains(shared.out, "libnorma.a has "));
    std::set<std::string> with_shared = tree;
    const std::string version = shell(NORMA_PROGRAM " --version").out;
    const std::string number = version.substr(version.rfind(' ') + 1, version.rfind('\n') - version.rfind(' ') - 1);
    with_shared.insert({"lib/libnorma.so", "lib/libnorma-test.so." + number.substr(0, number.rfind('.')),
                        "lib/libnorma-test.so." + number});
    CHECK(files(out) == with_shared);
    CHECK(json::parse(read(fs::path(out) / "share/norma/manifest.lock.json")).at("kernels").size() == 1);

    // It brings the command that looks into it.
    if (tree.count("bin/norma") != 0) {
        CHECK(contains(shell("'" + out + "/bin/norma' list --op rms_norm").out, "1 kernels\n"));
    }

    // Nothing of where it was made, nor of debuggers.
    for (const std::string &place : {source, d.path.string()}) {
        CHECK(shell("grep -rlF '" + place + "' '" + out + "'").out == "");
    }
    CHECK(shell("readelf -SW '" + out + "/lib/libnorma.a' | grep -F .debug_").out == "");
    CHECK(contains(shell("readelf -dW '" + out + "/lib/libnorma.so' | grep SONAME").out,
                   "[libnorma-test.so." + number.substr(0, number.rfind('.')) + "]"));

    // The next time: new kernels under the old names of files, and no shared library left behind.
    d.write("m.json", two);
    const auto size = fs::file_size(fs::path(out) / "lib/libnorma.a");
    REQUIRE(bundle("").status == 0);
    CHECK(files(out) == tree);
    CHECK(fs::file_size(fs::path(out) / "lib/libnorma.a") > size);

    std::ofstream(fs::path(out) / "lib/mine.txt") << "mine";
    const Result stranger = bundle("");
    CHECK(stranger.status == 2);
    CHECK(
        contains(stranger.err, "--out " + out + " has lib/mine.txt; expected a new or empty directory, or an earlier"));
    CHECK(read(fs::path(out) / "lib/mine.txt") == "mine");
    fs::remove(fs::path(out) / "lib/mine.txt");

    d.write("m.json", manifest(R"({"op": "rms_norm_forward", "x": "bf16"})"));
    CHECK(bundle("", "NORMAGEN_FAULT=abort:rms").status == 1);
    const std::string toolchain = d.write("broken.cmake", "message(FATAL_ERROR \"no such machine\")");
    const Result failed = bundle("--toolchain " + toolchain, "", "other");
    CHECK(failed.status == 1);
    CHECK(contains(failed.err, "cannot build the library"));
    CHECK(contains(failed.err, "no such machine"));
    CHECK(files(out) == tree);
    CHECK(json::parse(read(fs::path(out) / "share/norma/manifest.lock.json")).at("kernels").size() == 2);

    std::set<std::string> beside;
    for (const auto &entry : fs::directory_iterator(d.path)) {
        beside.insert(entry.path().filename().string());
    }
    CHECK(beside == std::set<std::string>{"a product", "broken.cmake", "m.json", "other", "work"});
}

TEST_CASE("a bundle that cannot be is refused before anything is built", "[normagen]") {
    Directory d;
    d.write("m.json", one);
    d.write("file", "");
    d.write("full/lib/other", "");
    const std::string command = "bundle --manifest " + d / "m.json" + " --targets x86-64-v2 --out ";
    check_refused(normagen(command + d / "file"), "--out " + d / "file" + " is no directory; expected a new or empty");
    check_refused(normagen(command + d / "full"),
                  "--out " + d / "full" + " has files, but no share/norma/manifest.lock.json; expected a new or empty");
    check_refused(normagen(command + d / "new --toolchain " + d / "none"), "--toolchain: File does not exist");
    check_refused(normagen("bundle --targets x86-64-v2 --out " + d / "new"), "--manifest is required");
    check_refused(normagen("bundle --manifest " + d / "m.json"), "--out is required");
    check_refused(normagen("bundle --manifest " + d / "m.json" + " --targets x86-64-v9 --out " + d / "new"),
                  "--target: \"x86-64-v9\" is not a target; expected one of");
    check_refused(normagen("bundle --manifest " + d / "m.json" + " --targets aarch64 --out " + d / "new"),
                  "target aarch64 is for arm-64-linux, this machine is x86-64-linux; expected --toolchain");
    CHECK_FALSE(fs::exists(d / "new"));
    const Result unwritable = normagen(command + "/proc/bundle");
    CHECK(unwritable.status == 1);
    CHECK(contains(unwritable.err, "/proc/bundle"));
}
