// SPDX-License-Identifier: MIT
// Files of norma calibrate: what they change, and which are refused.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/stderr_of.h"
#include "tools/base/temporary_directory.h"

using norma::test::Call;
using norma::test::CallSpec;
using norma::test::Environment;

namespace {

struct Directory {
    norma::TemporaryDirectory directory{std::filesystem::temp_directory_path() / "norma_calibration"};

    std::string write(const std::string &name, const std::string &text) const {
        std::ofstream(directory.path / name, std::ios::binary) << text;
        return directory / name;
    }
};

// Takes back what a test set, however it ends.
struct Uncalibrated {
    ~Uncalibrated() { norma_set_calibration(nullptr); }
};

CallSpec spec() {
    CallSpec spec;
    spec.kernel = norma::test::find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    spec.hidden = 1024;
    spec.store = NORMA_STORE_AUTO;
    return spec;
}

// How the call stores, as NORMA_VERBOSE says.
std::string store_mode() {
    const Environment verbose("NORMA_VERBOSE", "all");
    const std::string text = norma::test::stderr_of([] { Call(spec()).run(); });
    const size_t at = text.find("store mode ");
    return at == text.npos ? text : text.substr(at, 12);
}

const std::string header = "norma_calibration = 1\n";

}  // namespace

TEST_CASE("a calibration decides when plans stream, the call's before the variable's", "[calibration]") {
    const Directory d;
    const Uncalibrated after;
    const std::string always = d.write("always", "# made up\n\n" + header + "streaming_threshold = 1\n");
    const std::string prefetched = d.write("no_prefetch", header + " streaming_threshold=1\r\nprefetch_row_max = 0");
    const std::string never = d.write("never", header + "streaming_threshold = 1125899906842624");
    const std::string nothing = d.write("nothing", header);
    CHECK(store_mode() == "store mode 0");
    {
        const Environment variable("NORMA_CALIBRATION", always.c_str());
        CHECK(store_mode() == "store mode 2");
        REQUIRE(norma_set_calibration(never.c_str()) == NORMA_OK);
        CHECK(store_mode() == "store mode 0");
        REQUIRE(norma_set_calibration(prefetched.c_str()) == NORMA_OK);
        CHECK(store_mode() == "store mode 1");
        REQUIRE(norma_set_calibration(nullptr) == NORMA_OK);
        CHECK(store_mode() == "store mode 2");
        const Environment threshold("NORMA_STREAMING_THRESHOLD", "1000000000");
        CHECK(store_mode() == "store mode 0");
    }
    const Environment variable("NORMA_CALIBRATION", nothing.c_str());
    CHECK(store_mode() == "store mode 0");
}

TEST_CASE("bits do not depend on a calibration", "[calibration]") {
    const Directory d;
    const Uncalibrated after;
    const auto bits = [] {
        Call call(spec());
        call.run();
        return call.bytes(norma::test::role_y);
    };
    const std::string first = bits();
    for (const char *text :
         {"streaming_threshold = 1", "streaming_threshold = 1\nprefetch_row_max = 0", "grain_size = 1"}) {
        REQUIRE(norma_set_calibration(d.write("c", header + text).c_str()) == NORMA_OK);
        CHECK(bits() == first);
    }
}

TEST_CASE("calibrations that make no sense are refused by name, and change nothing", "[calibration]") {
    const Directory d;
    const Uncalibrated after;
    const std::pair<std::string, std::string> refusals[] = {
        {"", "which has no line \"norma_calibration = 1\""},
        {"# nothing\n", "which has no line \"norma_calibration = 1\""},
        {"streaming_threshold = 1\n", "line 1 is \"streaming_threshold = 1\"; expected norma_calibration = 1 first"},
        {"norma_calibration = 2\n", "line 1 is \"norma_calibration = 2\"; expected a whole number from 1 to 1"},
        {header + "hello\n", "line 2 is \"hello\"; expected name = number"},
        {header + "lanes = 4\n", "line 2 is \"lanes = 4\"; expected streaming_threshold, "},
        {header + "norma_calibration = 1\n", "line 2 is \"norma_calibration = 1\"; expected streaming_threshold, "},
        {header + "grain_size = 0\n", "line 2 is \"grain_size = 0\"; expected a whole number from 1 to 11258"},
        {header + "\nstreaming_threshold = -1\n",
         "line 3 is \"streaming_threshold = -1\"; expected a whole number from 0"},
        {header + "streaming_threshold = \n", "expected a whole number from 0"},
        {header + "streaming_threshold = 4 MB\n", "expected a whole number from 0"},
        {header + "streaming_threshold = 99999999999999999999\n", "expected a whole number from 0"},
        {header + "grain_size = 1\ngrain_size = 1\n", "line 3 is \"grain_size = 1\"; expected each name once"},
        {header + std::string(5000, '#'), "which is longer than 4096 bytes"},
        {header + std::string("\0x", 2), "which is not text"},
    };
    for (const auto &[text, message] : refusals) {
        const std::string path = d.write("bad", text);
        INFO(text);
        CHECK(norma_set_calibration(path.c_str()) == NORMA_INVALID_ARGUMENT);
        CHECK_THAT(norma_last_error(), Catch::Matchers::StartsWith("path is \"" + path + "\""));
        CHECK_THAT(norma_last_error(), Catch::Matchers::Contains(message));
        const Environment variable("NORMA_CALIBRATION", path.c_str());
        norma_plan_desc desc = {};
        desc.size = sizeof desc;
        desc.op = NORMA_RMS_NORM_FORWARD;
        desc.x = NORMA_F32;
        desc.weight = NORMA_F32;
        desc.hidden = 64;
        norma_plan *plan = nullptr;
        CHECK(norma_plan_create(&desc, &plan) == NORMA_INVALID_ARGUMENT);
        CHECK(plan == nullptr);
        CHECK_THAT(norma_last_error(), Catch::Matchers::StartsWith("NORMA_CALIBRATION is \"" + path + "\""));
    }
    CHECK(norma_set_calibration("/nonexistent") == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Catch::Matchers::Contains("path is \"/nonexistent\", which cannot be opened"));
    CHECK(norma_set_calibration(d.directory.path.c_str()) == NORMA_INVALID_ARGUMENT);
    CHECK_THAT(norma_last_error(), Catch::Matchers::Contains("which cannot be read"));
    CHECK(store_mode() == "store mode 0");
}
