// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "errors.h"

namespace norma {

// A new directory, removed with all that it holds.
class TemporaryDirectory {
public:
    // `prefix` begins its path. Throws OutputError.
    explicit TemporaryDirectory(const std::filesystem::path &prefix) {
        std::string name = prefix.string() + ".XXXXXX";
        if (mkdtemp(name.data()) == nullptr) {
            throw OutputError(name + ": cannot make this directory: " + std::strerror(errno));
        }
        path = name;
    }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::string operator/(const std::string &name) const { return (path / name).string(); }

    std::filesystem::path path;
};

}  // namespace norma
