// SPDX-License-Identifier: MIT
// Runs normagen, and what its tests share.
#pragma once

#include <nlohmann/json.hpp>

#include "process.h"

using nlohmann::json;

inline Result normagen(const std::string &arguments, const std::string &environment = "") {
    return shell(environment + " " NORMAGEN_PROGRAM " " + arguments);
}

inline const std::string source = NORMA_SOURCE_DIR;
inline const std::string minimal = source + "/manifests/minimal.json";

inline std::string manifest(const std::string &kernels) {
    return R"({"schema": 1, "name": "test", "kernels": [)" + kernels + "]}";
}

// Two small kernels.
inline const std::string two =
    manifest(R"({"op": "rms_norm_forward", "x": "f32"}, {"op": "rms_norm_forward", "x": "f32", "weight": "x"})");

inline void check_refused(const Result &result, const std::string &part) { check_refused("normagen", result, part); }
