// SPDX-License-Identifier: MIT
// Candidates compiled to shared objects, with a list of them: what norma_measure reads.
#pragma once

#include "candidates.h"
#include "generators/normagen/compile.h"

namespace norma {

struct EmitOptions {
    std::filesystem::path directory;
    std::string linker;
    JobLimits limits;
};

// Writes DIR/jobs.json and DIR/objects/*.so, and keeps DIR/cache. Candidates that fail are listed with how; of those
// whose code is the same, one is listed. Throws OutputError.
void emit_candidates(const std::vector<Tuned> &tuned, const EmitOptions &options);

}  // namespace norma
