// SPDX-License-Identifier: MIT
// Folders whose content is trusted: nobody else can have written it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "temporary_directory.h"

namespace norma {

// Of a folder that the user named: why others may write to it, "" where they may not. One that is not there is made.
std::string make_own(const std::filesystem::path &folder);

// ~/.cache/norma/NAME, or in XDG_CACHE_HOME; empty where neither is known.
std::filesystem::path user_cache(const std::string &name);

// Makes that folder, and `norma`, in which it is. Returns why it cannot be trusted; "" where it can.
std::string make_user_cache(const std::filesystem::path &folder);

// That one where it is private, else a temporary one.
class UserCache {
public:
    explicit UserCache(const std::string &name);

    std::filesystem::path path;

private:
    std::unique_ptr<TemporaryDirectory> temporary_;
};

}  // namespace norma
