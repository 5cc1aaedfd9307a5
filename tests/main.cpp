// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include "catch.h"

int main(int count, char **arguments) { return Catch::Session().run(count, arguments); }
