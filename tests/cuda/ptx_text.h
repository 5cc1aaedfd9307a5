// SPDX-License-Identifier: MIT
// What the fake driver reads of PTX: a kernel's parameters.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fake_cuda {

// Bytes of each parameter of the entry; nothing where the text has no such entry.
std::optional<std::vector<size_t>> parameter_sizes(const std::string &ptx, const std::string &entry);

}  // namespace fake_cuda
