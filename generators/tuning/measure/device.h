// SPDX-License-Identifier: MIT
// What records tell devices apart by.
#pragma once

#include <nlohmann/json.hpp>

namespace norma {

nlohmann::json this_cpu();  // {"cpu", "isa", "l1d", "l2", "l3"}

// {"gpu", "sm", "l2", "driver"} of the first CUDA device, asked by another process: one that has used CUDA must not
// fork. Throws InputError that says what is missing.
nlohmann::json first_gpu();

}  // namespace norma
