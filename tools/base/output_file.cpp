// SPDX-License-Identifier: MIT
#include "output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "errors.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

const std::string prefix = ".norma-", suffix = ".tmp";

// What links lead to, there or not.
fs::path without_links(fs::path path) {
    std::error_code error;
    for (int links = 0; links < 40 && fs::is_symlink(path, error); links++) {
        const fs::path to = fs::read_symlink(path, error);
        path = to.is_absolute() ? to : path.parent_path() / to;
    }
    return path;
}

}  // namespace

bool is_unfinished(const fs::path &path) {
    return path.extension() == suffix && path.filename().string().rfind(prefix, 0) == 0;
}

OutputFile::OutputFile(const fs::path &path) : path_(path), real_(without_links(path)) {
    struct stat old {
    }, real{};
    const bool exists = stat(path.c_str(), &old) == 0;
    // A link of /proc/self/fd may lead to a file that has no name.
    const bool has_name =
        exists && stat(real_.c_str(), &real) == 0 && real.st_ino == old.st_ino && real.st_dev == old.st_dev;
    if (exists && !(S_ISREG(old.st_mode) && has_name)) {
        file_ = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | (S_ISREG(old.st_mode) ? O_TRUNC : 0));
        if (file_ < 0) {
            fail();
        }
        return;
    }
    const fs::path folder = real_.has_parent_path() ? real_.parent_path() : ".";
    sweep(folder, prefix, suffix);
    temporary_ = std::make_unique<Leftover>([&] {
        fs::path name;
        do {
            name = folder / (prefix + random_name() + suffix);
            file_ = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        } while (file_ < 0 && errno == EEXIST);
        if (file_ < 0) {
            fail();
        }
        return name;
    });
    flock(file_, LOCK_SH | LOCK_NB);
    if (exists) {
        fchmod(file_, old.st_mode & 07777);
    }
}

OutputFile::~OutputFile() {
    if (file_ >= 0) {
        close(file_);
    }
}

void OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            fail();
        }
        bytes.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
    }
}

void OutputFile::finish() {
    const int file = file_;
    file_ = -1;
    if (close(file) != 0 || (replaces() && rename(temporary_->path().c_str(), real_.c_str()) != 0)) {
        fail();
    }
    temporary_.reset();
}

void OutputFile::fail() const { throw OutputError(path_.string() + ": cannot be written: " + std::strerror(errno)); }

std::unique_ptr<OutputFile> open_output(const std::string &option, const fs::path &path) {
    try {
        return std::make_unique<OutputFile>(path);
    } catch (const OutputError &) {
        throw InputError(option + ": cannot write \"" + path.string() + "\": " + std::strerror(errno));
    }
}

}  // namespace norma
