// SPDX-License-Identifier: MIT
#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace norma {

Progress::Progress(size_t total) : total_(total), terminal_(isatty(STDERR_FILENO)) {}

void Progress::show(size_t done, size_t cached, const std::string &current) {
    const auto interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(5);
    if (Clock::now() - shown_ < interval) {
        return;
    }
    shown_ = Clock::now();
    std::string line = fmt::format("[{}/{}] {} cached, {:.0f} s, {}", done, total_, cached, seconds(), current);
    if (!terminal_) {
        fmt::print(stderr, "{}\n", line);
        return;
    }
    winsize size{};
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    line.resize(std::min<size_t>(line.size(), size.ws_col > 1 ? size.ws_col - 1 : 79));
    fmt::print(stderr, "\r{}\033[K", line);
    fflush(stderr);
}

void Progress::clear() {
    if (terminal_) {
        fmt::print(stderr, "\r\033[K");
    }
}

}  // namespace norma
