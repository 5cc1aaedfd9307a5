// SPDX-License-Identifier: MIT
#include "program_start.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "leftovers.h"
#include "messages.h"

namespace norma {

void start_program(const std::string &name) {
    set_program_name(name);
    // For reading alone: printing to what was closed stays an error.
    int file = 0;
    while (file >= 0 && file <= STDERR_FILENO) {
        file = open("/dev/null", O_RDONLY);
    }
    close(file);
    signal(SIGXFSZ, SIG_IGN);
    clean_up_on_signals();
}

bool printed_all() {
    std::cout.flush();
    const bool flushed = std::fflush(stdout) == 0;
    return flushed && std::ferror(stdout) == 0 && std::cout.good();
}

}  // namespace norma
