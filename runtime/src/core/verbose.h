// SPDX-License-Identifier: MIT
// NORMA_VERBOSE=none|error|info|dispatch|all: what goes to stderr, one line per event.
#pragma once

namespace norma {

enum class Verbose : int { none, error, info, dispatch, all };

// Reads the environment: for plan creation and failures, not for runs.
Verbose verbose_level();

void verbose_line(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

// One line for each line of text.
void verbose_lines(const char *event, const char *text);

}  // namespace norma
