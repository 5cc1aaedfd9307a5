// SPDX-License-Identifier: MIT
// The shapes of data/shapes.json.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace norma::test {

inline std::string data_path(const std::string &file) { return std::string(NORMA_TEST_DATA) + "/" + file; }

inline const nlohmann::json &shapes() {
    static const nlohmann::json json = [] {
        std::ifstream file(data_path("shapes.json"));
        return nlohmann::json::parse(file);
    }();
    return json;
}

}  // namespace norma::test
