// SPDX-License-Identifier: MIT
// Failing: one call that keeps the message for norma_last_error and hands the status on.
#pragma once

#include "norma/norma.h"

namespace norma {

// The message names the argument, its value and what was expected. Never allocates.
norma_status fail(norma_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

}  // namespace norma
