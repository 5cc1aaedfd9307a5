// SPDX-License-Identifier: MIT
#include "temporary_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "errors.h"

namespace norma {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory(const fs::path &prefix) {
    const std::string begin = prefix.string() + ".";
    const fs::path folder = prefix.parent_path();
    sweep(folder.empty() ? "." : folder, fs::path(begin).filename().string(), "");
    leftover_ = std::make_unique<Leftover>([&] {
        std::string name = begin + random_name();
        while (mkdir(name.c_str(), 0700) != 0) {
            if (errno != EEXIST) {
                throw OutputError(name + ": cannot make this directory: " + std::strerror(errno));
            }
            name = begin + random_name();
        }
        return name;
    });
    path = leftover_->path();
    lock_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    flock(lock_, LOCK_SH | LOCK_NB);
}

TemporaryDirectory::~TemporaryDirectory() {
    leftover_.reset();
    close(lock_);
}

}  // namespace norma
