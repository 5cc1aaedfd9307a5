// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace norma {

// What every program of ours begins with, before it has threads: descriptors 0 to 2 are taken, so that no file of ours
// gets what is printed; a file at its limit is an error, not a signal; and other signals leave nothing behind.
void start_program(const std::string &name);

// Whether all that was printed on stdout went out.
bool printed_all();

}  // namespace norma
