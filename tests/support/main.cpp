// SPDX-License-Identifier: MIT
#include <malloc.h>
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_CONSOLE_WIDTH 200  // failures of a call are one long line
#include "catch.h"

int main(int count, char **arguments) {
    // What a call frees is kept for the next: to give it back took the kernel a third of the tests of long rows.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    return Catch::Session().run(count, arguments);
}
