// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace norma::tool {

// Nothing for what is none to the library, which takes it in fp32: neither 0 nor a finite number above 0 there.
std::optional<double> eps_of(const std::string &text);
inline constexpr const char *expected_eps = "0, or a finite number above 0 in fp32";

// --eps, into `eps`, which holds the default.
void add_eps(CLI::App &command, double &eps);

}  // namespace norma::tool
