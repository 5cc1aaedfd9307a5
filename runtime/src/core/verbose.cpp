// SPDX-License-Identifier: MIT
#include "verbose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "text.h"

namespace norma {

Verbose verbose_level() { return verbose_level_of(getenv("NORMA_VERBOSE")); }

norma_status check_verbose() {
    const char *text = getenv("NORMA_VERBOSE");
    if (!text || !*text || verbose_words.find(text)) {
        return NORMA_OK;
    }
    Text expected;
    for (const Word &word : verbose_words) {
        expected.add("%s%s", *expected.c_str() ? ", " : "", word.name);
    }
    return fail(NORMA_INVALID_ARGUMENT, "NORMA_VERBOSE is \"%s\"; expected one of %s", text, expected.c_str());
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
