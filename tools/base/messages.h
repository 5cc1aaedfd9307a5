// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace norma {

void set_program_name(const std::string &name);

// "PROGRAM: MESSAGE" on stderr, with what is no printable text escaped. Where stderr cannot be written nobody reads it:
// that is no error.
void tell(const std::string &message);

// The same as it is, for text that moves a terminal's cursor.
void write_to_stderr(const std::string &text);

}  // namespace norma
