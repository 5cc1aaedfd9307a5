// SPDX-License-Identifier: MIT
#include "errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verbose.h"

namespace norma {
namespace {

thread_local char last_message[1024];

struct StatusName {
    norma_status status;
    const char *name;
};

constexpr StatusName status_names[] = {
    {NORMA_OK, "ok"},
    {NORMA_INVALID_ARGUMENT, "invalid argument"},
    {NORMA_NOT_IN_LIBRARY, "no kernel for this variant in the library; the manifest line that adds it"},
    {NORMA_UNSUPPORTED_TARGET, "unsupported target"},
    {NORMA_NO_DEVICE, "no such device"},
    {NORMA_OUT_OF_MEMORY, "out of memory"},
    {NORMA_PARALLEL_FOR_FAILED, "parallel_for failed"},
    {NORMA_INTERNAL, "internal error"},
    {NORMA_DEVICE_ERROR, "device error"},
    {NORMA_EXCHANGE_FAILED, "exchange failed"},
};

}  // namespace

norma_status fail(norma_status status, const char *format, ...) {
    // Formatted aside first: an argument may be the last message itself.
    char message[sizeof(last_message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    memcpy(last_message, message, strlen(message) + 1);
    if (verbose_level() >= Verbose::error) {
        verbose_line("error", "%s: %s", norma_status_string(status), last_message);
    }
    return status;
}

}  // namespace norma

const char *norma_status_string(norma_status status) {
    for (const norma::StatusName &entry : norma::status_names) {
        if (entry.status == status) {
            return entry.name;
        }
    }
    return "unknown status";
}

const char *norma_last_error(void) { return norma::last_message; }
