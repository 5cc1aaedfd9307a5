// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_CONSOLE_WIDTH 200  // failures of a call are one long line
#include "catch.h"

int main(int count, char **arguments) { return Catch::Session().run(count, arguments); }
