// SPDX-License-Identifier: MIT
// Records for other tools: the results format T4 of the autotuning community (github.com/odgaard/TuningSchema), as
// Kernel Tuner reads it.
#pragma once

#include "records.h"

namespace norma {

// A result for each record. Its configuration has the kernel, target, device and shape beside strategy and knobs.
nlohmann::ordered_json t4_results(const std::vector<Record> &records);

}  // namespace norma
