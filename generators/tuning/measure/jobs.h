// SPDX-License-Identifier: MIT
// What `normagen tune --emit` compiled, for the program that measures.
#pragma once

#include "kernel_call.h"

namespace norma {

// The first of a kernel is its default.
struct Candidate {
    std::string strategy, why;  // `why` it could not be compiled; empty where it could
    nlohmann::json knobs;
    bool promises = true;
    KernelFile file;
};

struct TuneGroup {
    std::string variant, target, lowered;  // the hash of its default's lowered code
    nlohmann::json default_knobs;
    std::vector<std::pair<int64_t, int64_t>> shapes;  // rows, hidden
    KernelFile oracle;
    std::vector<Candidate> candidates;
    const bench::DeviceKind *kind = nullptr;  // of the devices that run it
    int capability = 0;                       // the least of one
    nlohmann::json device;                    // that it is measured on, for records
};

struct JobsFile {
    std::string halide;
    std::vector<TuneGroup> groups;
};

JobsFile read_jobs(const std::filesystem::path &directory);  // DIR/jobs.json; throws InputError

}  // namespace norma
