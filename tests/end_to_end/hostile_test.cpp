// SPDX-License-Identifier: MIT
// Files that somebody made to break what reads them: tests/data/hostile/KIND/NAME, and beside each in NAME.refusal what
// its one line of refusal says.
#include <sys/stat.h>
#include <unistd.h>

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

TEST_CASE("what a target needs is shown as text", "[hostile]") {
    Directory d;
    json target = json::parse(read(source + "/schedules/targets/x86-64-v2.json"));
    target["needs"] = "a\x1b[2J\nb";
    d.write("targets/x86-64-v2.json", target.dump());
    CHECK(contains(limited("targets --target-files " + d / "targets").out, R"(needs a\x1b[2J\nb)"));
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

TEST_CASE("what has no end is neither read nor waited for", "[hostile]") {
    Directory d;
    d.write("records/x86-64-v3/some.jsonl", "");
    d.write("targets/some.json", read(source + "/schedules/targets/x86-64-v2.json"));
    REQUIRE(mkfifo((d / "pipe").c_str(), 0600) == 0);
    for (const std::string &endless : std::vector<std::string>{"/dev/zero", d / "pipe", d / "nowhere"}) {
        INFO(endless);
        const std::string record = d / "records/x86-64-v3/bad.jsonl", target = d / "targets/bad.json";
        fs::create_symlink(endless, record);
        fs::create_symlink(endless, target);
        const Result merged = limited("records merge " + d / "records" + " --out " + d / "out");
        CHECK(merged.status == 0);
        CHECK(merged.err == "normagen: " + record + ": no regular file, skipped\n");
        check_refused(limited("targets --target-files " + d / "targets"), target + ": is no regular file");
        fs::remove(record);
        fs::remove(target);
    }
    check_refused(limited("list --manifest /dev/zero"), "/dev/zero: cannot read: File too large");
}

TEST_CASE("records that nobody may read are named", "[hostile]") {
    if (geteuid() == 0) {
        WARN("skipped: root may read everything");
        return;
    }
    Directory d;
    const std::string file = d.write("records/x86-64-v3/some.jsonl", "");
    fs::permissions(file, fs::perms::none);
    const Result merged = limited("records merge " + d / "records" + " --out " + d / "out");
    CHECK(merged.status == 0);
    CHECK(merged.err == "normagen: " + file + ": cannot be read, skipped: Permission denied\n");
}

// Each candidate measured on a device of its own: a table of all by all would take gigabytes.
TEST_CASE("many records of one kernel are judged in little memory", "[hostile]") {
    Directory d;
    json record = json::parse(lines(read(source + "/tests/data/hostile/records/future.jsonl")).front());
    record["date"] = "2026-01-01T00:00:00Z";
    std::string text;
    for (int i = 0; i < 10000; i++) {
        record["knobs"]["rows"] = i;
        record["device"]["l3"] = 1024 * i;
        text += record.dump() + "\n";
    }
    const std::string file = d.write("many.jsonl", text);
#ifdef __SANITIZE_ADDRESS__  // whose shadow is terabytes
    const std::string limit;
#else
    const std::string limit = "ulimit -v 900000; ";
#endif
    const Result best = shell(limit + "timeout 60 " NORMAGEN_PROGRAM " records best --stale " + file);
    INFO(best.err);
    CHECK(best.status == 0);
    CHECK(contains(best.out, record.at("variant").get<std::string>()));
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

#ifndef __SANITIZE_ADDRESS__  // whose shadow is terabytes
TEST_CASE("a tensor larger than memory is refused in a line", "[hostile]") {
    Directory d;
    const std::string header = R"({"a.x":{"dtype":"U8","shape":[2147483648],"data_offsets":[0,2147483648]}})";
    const uint64_t length = header.size();
    const std::string file = d.write("f", std::string(reinterpret_cast<const char *>(&length), sizeof length) + header);
    fs::resize_file(file, sizeof length + length + (uint64_t{1} << 31));  // a hole: no disk is written
    const std::string run = "run layer_norm --prefix a --output " + d / "y" + " --input ";
    for (const std::string &command : {std::string("demo "), run}) {
        check_refused("norma", shell("ulimit -v 1500000; " NORMA_PROGRAM " " + command + file),
                      file + ": cannot be read: no memory for 2147483648 bytes of it");
    }
}
#endif
