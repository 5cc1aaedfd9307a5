// SPDX-License-Identifier: MIT
#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "messages.h"
#include "text.h"

namespace norma {

Progress::Progress(Elsewhere elsewhere) : elsewhere_(elsewhere), terminal_(isatty(STDERR_FILENO)) {}

void Progress::show(std::string line) {
    if (terminal_) {
        winsize size{};
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
        line.resize(std::min<size_t>(line.size(), size.ws_col > 1 ? size.ws_col - 1 : 79));
        write_to_stderr("\r" + one_line(line) + "\033[K");
    } else if (elsewhere_ == lines && Clock::now() - shown_ >= std::chrono::seconds(5)) {
        shown_ = Clock::now();
        write_to_stderr(one_line(line) + "\n");
    }
}

void Progress::clear() const {
    if (terminal_) {
        write_to_stderr("\r\033[K");
    }
}

}  // namespace norma
