// SPDX-License-Identifier: MIT
// Which records still hold. They compare candidates with the default kernel of a variant on a target, so they hold as
// long as that default has the knobs that it had and lowers to the same code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "generators/codegen/targets.h"
#include "records.h"

namespace norma {

// The hash of each spec's lowered code; empty where it cannot be lowered.
using LoweredHashes = std::function<std::vector<std::string>(const std::vector<KernelSpec> &)>;

// Whether this machine can say what the target's kernels lower to: for CUDA it needs the toolkit.
bool can_judge(const TargetFile &target);

// Those that hold, of targets that can be judged. Of others stderr gets a line with how many and why; `directory` is
// where it says that they are.
std::vector<Record> current_records(const std::vector<Record> &records, const std::vector<TargetFile> &targets,
                                    const LoweredHashes &lowered_hashes, const std::string &directory);

}  // namespace norma
