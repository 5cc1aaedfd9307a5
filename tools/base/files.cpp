// SPDX-License-Identifier: MIT
#include "files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace norma {

namespace fs = std::filesystem;

namespace {

// False where there is nothing readable, with errno set.
bool read(const fs::path &path, std::string *content) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
        errno = EISDIR;
        return false;
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    *content = text.str();
    return file.is_open() && !file.bad();
}

[[noreturn]] void cannot_write(const fs::path &path) {
    throw OutputError(path.string() + ": cannot write: " + std::strerror(errno));
}

}  // namespace

std::string read_file(const fs::path &path) {
    std::string content;
    if (!read(path, &content)) {
        throw InputError(path.string() + ": cannot read: " + std::strerror(errno ? errno : EIO));
    }
    return content;
}

void write_if_changed(const fs::path &path, const std::string &content) {
    if (std::string old; read(path, &old) && old == content) {
        return;
    }
    const fs::path temporary = path.string() + "." + std::to_string(getpid()) + ".tmp";
    errno = 0;
    std::ofstream file(temporary, std::ios::binary);
    file << content;
    file.close();
    if (!file) {
        int saved = errno;
        unlink(temporary.c_str());
        errno = saved;
        cannot_write(path);
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) {
        int saved = errno;
        unlink(temporary.c_str());
        errno = saved;
        cannot_write(path);
    }
}

void make_directory(const fs::path &path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error || !fs::is_directory(path)) {
        throw OutputError(path.string() + ": cannot make this directory" + (error ? ": " + error.message() : ""));
    }
}

}  // namespace norma
