// SPDX-License-Identifier: MIT
// Files that somebody made to break what reads them: tests/data/hostile/KIND/NAME, and beside each in NAME.refusal what
// its one line of refusal says.
#include "tests/support/normagen.h"
#include "tools/safetensors/safetensors.h"

namespace {

constexpr int most_seconds = 20;  // a hang ends as one

struct Hostile {
    fs::path file;
    std::string says;
};

std::vector<Hostile> hostile(const std::string &kind) {
    std::vector<Hostile> list;
    for (const auto &entry : fs::directory_iterator(source + "/tests/data/hostile/" + kind)) {
        if (entry.path().extension() != ".refusal") {
            const std::vector<std::string> says = lines(read(fs::path(entry.path()).replace_extension(".refusal")));
            REQUIRE(says.size() == 1);
            list.push_back({entry.path(), says.front()});
        }
    }
    REQUIRE(list.size() > 10);
    return list;
}

Result limited(const std::string &arguments) {
    return shell("timeout " + std::to_string(most_seconds) + " " NORMAGEN_PROGRAM " " + arguments);
}

}  // namespace

TEST_CASE("hostile manifests are refused in a line", "[hostile]") {
    for (const Hostile &bad : hostile("manifests")) {
        INFO(bad.file);
        const Result result = limited("list --manifest " + bad.file.string());
        check_refused(result, bad.says);
        CHECK(contains(result.err, bad.file.string() + ": "));
    }
}

TEST_CASE("hostile target files are refused in a line", "[hostile]") {
    for (const Hostile &bad : hostile("targets")) {
        INFO(bad.file);
        Directory d;
        fs::create_directories(d.path / "targets");
        fs::copy(bad.file, d.path / "targets");
        const Result result = limited("targets --target-files " + d / "targets");
        check_refused(result, bad.says);
        CHECK(contains(result.err, bad.file.filename().string() + ": "));
    }
}

TEST_CASE("hostile records are named, skipped, and change nothing", "[hostile]") {
    for (const Hostile &bad : hostile("records")) {
        INFO(bad.file);
        Directory d;
        fs::create_directories(d.path / "records/x86-64-v3");
        const std::string file = d / "records/x86-64-v3/rms_norm_forward.jsonl";
        fs::copy(bad.file, file);
        const std::string line = "normagen: " + file + ":1: no record, skipped: ";
        const std::vector<std::string> commands = {
            "records merge " + d / "records" + " --out " + d / "a/b/out",
            "list --target x86-64-v3 --manifest " + minimal + " --records " + d / "records"};
        for (const std::string &command : commands) {
            const Result result = limited(command);
            INFO(result.err);
            CHECK(result.status == 0);
            CHECK(result.err.rfind(line, 0) == 0);
            CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
            CHECK(contains(result.err.substr(line.size()), bad.says));
        }
        CHECK(std::distance(fs::recursive_directory_iterator(d.path), fs::recursive_directory_iterator()) == 3);
    }
}

TEST_CASE("hostile safetensors are refused in a line", "[hostile]") {
    for (const Hostile &bad : hostile("safetensors")) {
        INFO(bad.file);
        std::string message;
        try {
            norma::safetensors::read(bad.file);
        } catch (const norma::safetensors::FormatError &error) {
            message = error.what();
        }
        INFO(message);
        CHECK(message.rfind(bad.file.string() + ": ", 0) == 0);
        CHECK(contains(message, bad.says));
        CHECK_FALSE(contains(message, "\n"));
    }
}
