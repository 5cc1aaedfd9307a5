// SPDX-License-Identifier: MIT
#include "find_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "errors.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

// No error where a folder on PATH is somebody else's.
bool is_program(const fs::path &path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

fs::path find_program(const std::vector<std::string> &names, const std::vector<fs::path> &directories) {
    std::vector<fs::path> places = directories;
    const char *path = std::getenv("PATH");
    std::istringstream on_path(path != nullptr ? path : "");
    for (std::string directory; std::getline(on_path, directory, ':');) {
        places.emplace_back(directory);
    }
    for (const std::string &name : names) {
        if (name.find('/') != std::string::npos) {
            if (is_program(name)) {
                return fs::absolute(name);
            }
            continue;
        }
        for (const fs::path &place : places) {
            if (is_program(place / name)) {
                return fs::absolute(place / name);
            }
        }
    }
    return "";
}

fs::path require_program(const std::string &purpose, const std::vector<std::string> &names, const std::string &advice,
                         const std::vector<fs::path> &directories) {
    fs::path program = find_program(names, directories);
    if (program.empty()) {
        throw InputError(
            fmt::format("{} needs {}, which is not there; expected it {}", purpose, fmt::join(names, " or "), advice));
    }
    return program;
}

}  // namespace norma
