// SPDX-License-Identifier: MIT
#include "verbose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace norma {

Verbose verbose_level() {
    static constexpr const char *names[] = {"none", "error", "info", "dispatch", "all"};
    const char *text = getenv("NORMA_VERBOSE");
    if (!text || !*text) {
        return Verbose::none;
    }
    for (int i = 0; i < 5; i++) {
        if (strcmp(text, names[i]) == 0) {
            return static_cast<Verbose>(i);
        }
    }
    return Verbose::all;  // a misspelt wish to see something
}

void verbose_line(const char *event, const char *format, ...) {
    char line[1200];
    int used = snprintf(line, sizeof(line), "norma: %s: ", event);
    va_list arguments;
    va_start(arguments, format);
    used += vsnprintf(line + used, sizeof(line) - static_cast<size_t>(used) - 1, format, arguments);
    va_end(arguments);
    size_t length = static_cast<size_t>(used) < sizeof(line) - 2 ? static_cast<size_t>(used) : sizeof(line) - 2;
    line[length] = '\n';
    // One write, so that lines of several threads do not mix.
    if (write(STDERR_FILENO, line, length + 1) < 0) {
        return;
    }
}

void verbose_lines(const char *event, const char *text) {
    while (*text) {
        const char *end = strchrnul(text, '\n');
        verbose_line(event, "%.*s", static_cast<int>(end - text), text);
        text = *end ? end + 1 : end;
    }
}

}  // namespace norma
