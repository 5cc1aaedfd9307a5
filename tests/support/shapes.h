// SPDX-License-Identifier: MIT
// The shapes of data/shapes.json, or of another file that the build was given.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

namespace norma::test {

inline const nlohmann::json &shapes() {
    static const nlohmann::json json = [] {
        std::ifstream file(NORMA_SHAPES);
        return nlohmann::json::parse(file);
    }();
    return json;
}

}  // namespace norma::test
