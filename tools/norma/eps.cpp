// SPDX-License-Identifier: MIT
#include "eps.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cfloat>
#include <cstdlib>

#include "tools/base/errors.h"

namespace norma::tool {

std::optional<double> eps_of(const std::string &text) {
    char *end = nullptr;
    errno = 0;
    const float eps = std::strtof(text.c_str(), &end);
    const bool is_number = end != text.c_str() && *end == '\0' && eps >= 0 && eps <= FLT_MAX;
    const bool is_another = eps == 0 && errno == ERANGE;
    return is_number && !is_another ? std::optional(std::strtod(text.c_str(), nullptr)) : std::nullopt;
}

void add_eps(CLI::App &command, double &eps) {
    const auto take = [&eps](const std::string &text) {
        const std::optional<double> given = eps_of(text);
        if (!given) {
            throw InputError(fmt::format("--eps is {}; expected {}", text, expected_eps));
        }
        eps = *given;
    };
    command.add_option_function<std::string>("--eps", take, "Added to the variance or mean square")
        ->type_name("FLOAT")
        ->default_str(fmt::format("{}", eps));
}

}  // namespace norma::tool
