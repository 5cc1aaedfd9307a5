// SPDX-License-Identifier: MIT
// A page of well-formed XML that loads nothing, for light and dark.
#pragma once

#include <string>

namespace norma {

std::string escaped(const std::string &text);  // for XML; what is not ASCII becomes a question mark

// A whole page. The body is XML, of which text is escaped.
std::string page(const std::string &title, const std::string &body);

std::string preformatted(const std::string &title, const std::string &text);  // nothing where there is no text

}  // namespace norma
