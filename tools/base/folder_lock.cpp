// SPDX-License-Identifier: MIT
#include "folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "files.h"
#include "messages.h"

namespace norma {

namespace {

std::string this_process() {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return fmt::format("process {} on {}", getpid(), host);
}

std::string holder(int file) {
    char text[300] = "";
    const ssize_t count = pread(file, text, sizeof text - 1, 0);
    return count > 0 ? text : "another process";
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path &folder, const std::string &advice) {
    make_directory(folder);
    const std::filesystem::path path = folder / name;
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (file_ < 0) {
        throw OutputError(path.string() + ": cannot write: " + std::strerror(errno));
    }
    int error = flock(file_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (error == EWOULDBLOCK) {
        tell(fmt::format("{} is in use by {}: waiting for its end; end it, or {}", folder.string(), holder(file_),
                         advice));
        while ((error = flock(file_, LOCK_EX) == 0 ? 0 : errno) == EINTR) {
        }
    }
    if (error != 0) {
        close(file_);
        throw OutputError(path.string() + ": cannot lock: " + std::strerror(error));
    }
    const std::string text = this_process();
    if (ftruncate(file_, 0) != 0 || pwrite(file_, text.data(), text.size(), 0) < 0) {
        // Those who wait are told "another process".
    }
}

FolderLock::~FolderLock() { close(file_); }

void FolderLock::pass_on() const { fcntl(file_, F_SETFD, 0); }

}  // namespace norma
