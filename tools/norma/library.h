// SPDX-License-Identifier: MIT
// What the library holds, for people and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <norma/norma.hpp>
#include <string>

#include "bench/infos.h"

namespace norma::tool {

nlohmann::ordered_json to_json(const norma_kernel_info &kernel);

// "multiples of 64 up to 1024"
std::string hidden_sizes(const norma_kernel_info &kernel);

}  // namespace norma::tool
