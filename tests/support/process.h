// SPDX-License-Identifier: MIT
// Runs programs as their users do: a process with arguments, output, status and files.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "tools/base/temporary_directory.h"

namespace fs = std::filesystem;

// A directory of its own for each test, gone afterwards.
struct Directory : norma::TemporaryDirectory {
    Directory() : TemporaryDirectory(fs::temp_directory_path() / "norma_test") {}

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

inline bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

inline std::vector<std::string> lines(const std::string &text) {
    std::vector<std::string> list;
    std::stringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        list.push_back(line);
    }
    return list;
}

// Exit status 2 and exactly one line on stderr, of this program, that says `part`; nothing on stdout.
inline void check_refused(const std::string &program, const Result &result, const std::string &part) {
    INFO(result.err);
    CHECK(result.status == 2);
    CHECK(result.out.empty());
    CHECK(result.err.rfind(program + ": ", 0) == 0);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(contains(result.err, part));
}
