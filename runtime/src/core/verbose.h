// SPDX-License-Identifier: MIT
// What NORMA_VERBOSE asks for goes to stderr, one line per event.
#pragma once

#include <norma/norma.h>

#include "runtime/vocabulary/verbose_words.h"

namespace norma {

// Reads the environment: for plan creation and failures, not for runs. A word that is no level is as none.
Verbose verbose_level();

// Refuses such a word, where there is somebody to tell: when a plan is made.
norma_status check_verbose();

void verbose_line(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

// One line for each line of text.
void verbose_lines(const char *event, const char *text);

}  // namespace norma
