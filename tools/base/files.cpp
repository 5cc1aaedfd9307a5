// SPDX-License-Identifier: MIT
#include "files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "output_file.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

constexpr size_t most = size_t{1} << 28;  // bytes: far more than any file of ours, and devices have no end

// False where there is nothing readable, with errno set.
bool read(const fs::path &path, std::string *content) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
        errno = EISDIR;
        return false;
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes(size_t{1} << 16);
    while (file.read(bytes.data(), (std::streamsize)bytes.size()), file.gcount() > 0) {
        content->append(bytes.data(), (size_t)file.gcount());
        if (content->size() > most) {
            errno = EFBIG;
            return false;
        }
    }
    return file.is_open() && !file.bad();
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
    std::error_code error;
    if (std::string old; fs::is_regular_file(path, error) && read(path, &old) && old == content) {
        return;
    }
    OutputFile file(path);
    file.write(content);
    file.finish();
}

void make_directory(const fs::path &path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error || !fs::is_directory(path)) {
        throw OutputError(path.string() + ": cannot make this directory" + (error ? ": " + error.message() : ""));
    }
}

}  // namespace norma
