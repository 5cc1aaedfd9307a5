// SPDX-License-Identifier: MIT
#include "private_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "files.h"
#include "messages.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

std::string why_not_own(const fs::path &folder, const struct stat &status, mode_t others) {
    if (!S_ISDIR(status.st_mode)) {
        return folder.string() + " is no directory";
    }
    if (status.st_uid != geteuid()) {
        return fmt::format("{} belongs to user {}, not to {}", folder.string(), status.st_uid, geteuid());
    }
    if ((status.st_mode & others) != 0) {
        return fmt::format("{} may be written by others (its mode is {:o})", folder.string(), status.st_mode & 07777);
    }
    return "";
}

// For this user alone.
std::string make_private(const fs::path &folder) {
    struct stat status {};
    if ((mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) || lstat(folder.c_str(), &status) != 0) {
        return fmt::format("{} cannot be made: {}", folder.string(), std::strerror(errno));
    }
    return why_not_own(folder, status, S_IWGRP | S_IWOTH);
}

}  // namespace

std::string make_own(const fs::path &folder) {
    make_directory(folder);
    struct stat status {};
    if (stat(folder.c_str(), &status) != 0) {
        return fmt::format("{} cannot be read: {}", folder.string(), std::strerror(errno));
    }
    return why_not_own(folder, status, S_IWOTH);
}

fs::path user_cache(const std::string &name) {
    const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
    return cache && *cache == '/' ? fs::path(cache) / "norma" / name
           : home && *home == '/' ? fs::path(home) / ".cache/norma" / name
                                  : fs::path();
}

std::string make_user_cache(const fs::path &folder) {
    std::error_code error;
    fs::create_directories(folder.parent_path().parent_path(), error);
    const std::string why = make_private(folder.parent_path());
    return why.empty() ? make_private(folder) : why;
}

UserCache::UserCache(const std::string &name) : path(user_cache(name)) {
    if (!path.empty()) {
        const std::string why = make_user_cache(path);
        if (why.empty()) {
            return;
        }
        tell(why + "; a temporary directory is taken instead");
    }
    temporary_ = std::make_unique<TemporaryDirectory>(fs::temp_directory_path() / ("norma-" + name));
    path = temporary_->path;
}

}  // namespace norma
