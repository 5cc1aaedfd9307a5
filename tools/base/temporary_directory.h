// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "leftovers.h"

namespace norma {

// A new directory for this user alone, removed with all that it holds.
class TemporaryDirectory {
public:
    // `prefix` begins its path. Throws OutputError.
    explicit TemporaryDirectory(const std::filesystem::path &prefix);
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
    ~TemporaryDirectory();

    std::string operator/(const std::string &name) const { return (path / name).string(); }

    std::filesystem::path path;

private:
    std::unique_ptr<Leftover> leftover_;
    int lock_ = -1;  // held while it is in use
};

}  // namespace norma
