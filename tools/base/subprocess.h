// SPDX-License-Identifier: MIT
// Work in a process of its own, which may crash, hang, or hold a device that this one must not.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

namespace norma {

// What `work` returns; or {"why": ...}, how its process ended, and the last line that it wrote.
nlohmann::json run_in_subprocess(const std::function<nlohmann::json()> &work, double seconds);

}  // namespace norma
