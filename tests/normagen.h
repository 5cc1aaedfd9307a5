// SPDX-License-Identifier: MIT
// Runs normagen as its users do: a process with arguments, output, status and files.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"

namespace fs = std::filesystem;
using nlohmann::json;

// A directory of its own for each test, gone afterwards.
struct Directory {
    fs::path path;

    Directory() {
        std::string name = (fs::temp_directory_path() / "normagen_test.XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;
    ~Directory() { fs::remove_all(path); }

    std::string operator/(const std::string &name) const { return (path / name).string(); }
    std::string write(const std::string &name, const std::string &text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
        return *this / name;
    }
};

inline std::string read(const fs::path &path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct Result {
    int status;
    std::string out, err;
    double seconds;
};

inline Result shell(const std::string &command) {
    Directory d;
    const auto start = std::chrono::steady_clock::now();
    const int status = std::system(("(" + command + ") > " + d / "out" + " 2> " + d / "err").c_str());
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(d / "out"), read(d / "err"), time.count()};
}

inline Result normagen(const std::string &arguments, const std::string &environment = "") {
    return shell(environment + " " NORMAGEN_PROGRAM " " + arguments);
}

inline bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

inline const std::string source = NORMA_SOURCE_DIR;
inline const std::string minimal = source + "/manifests/minimal.json";

inline std::string manifest(const std::string &kernels) {
    return R"({"schema": 1, "name": "test", "kernels": [)" + kernels + "]}";
}

// Two small kernels.
inline const std::string two =
    manifest(R"({"op": "rms_norm_forward", "x": "f32"}, {"op": "rms_norm_forward", "x": "f32", "weight": "x"})");

// Exactly one line, of this program, that says `part`; nothing on stdout.
inline void check_refused(const Result &result, const std::string &part) {
    INFO(result.err);
    CHECK(result.status == 2);
    CHECK(result.out.empty());
    CHECK(result.err.rfind("normagen: ", 0) == 0);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(contains(result.err, part));
}

inline std::vector<std::string> lines(const std::string &text) {
    std::vector<std::string> list;
    std::stringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        list.push_back(line);
    }
    return list;
}
