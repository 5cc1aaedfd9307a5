// SPDX-License-Identifier: MIT
// What the dispatcher decides at each run by numbers in the registry. They change neither the code of a kernel nor its
// bits, but are tuned, recorded and shown as its knobs are.
#pragma once

#include <string>
#include <vector>

#include "kernel.h"
#include "runtime/kernel_host/run_time.h"

namespace norma {

// The knobs that decide the code and the run-time choices, as one object.
nlohmann::json all_knobs(const KernelSpec &spec);
// The reverse; what `knobs` does not name stays. Throws std::invalid_argument where a run-time choice is not within its
// bounds.
KernelSpec with_knobs(KernelSpec spec, const nlohmann::json &knobs);

// Whether these run-time choices leave that one to the caches of whatever machine the library runs on.
bool left_to_caches(const nlohmann::json &run_time, const std::string &name);

// The spec with other run-time choices that are worth measuring. None of `grain_size`: tune_grain_size.h.
std::vector<KernelSpec> run_time_search_space(const KernelSpec &spec);

}  // namespace norma
