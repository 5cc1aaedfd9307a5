// SPDX-License-Identifier: MIT
#pragma once

#include <ctime>
#include <string>

namespace norma {

inline std::string now_utc() {  // "2026-01-31T23:59:59Z"
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

}  // namespace norma
