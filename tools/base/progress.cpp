// SPDX-License-Identifier: MIT
#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace norma {

Progress::Progress(Elsewhere elsewhere) : elsewhere_(elsewhere), terminal_(isatty(STDERR_FILENO)) {}

void Progress::show(std::string line) {
    if (terminal_) {
        winsize size{};
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
        line.resize(std::min<size_t>(line.size(), size.ws_col > 1 ? size.ws_col - 1 : 79));
        fmt::print(stderr, "\r{}\033[K", line);
        fflush(stderr);
    } else if (elsewhere_ == lines && Clock::now() - shown_ >= std::chrono::seconds(5)) {
        shown_ = Clock::now();
        fmt::print(stderr, "{}\n", line);
    }
}

void Progress::clear() const {
    if (terminal_) {
        fmt::print(stderr, "\r\033[K");
        fflush(stderr);
    }
}

}  // namespace norma
