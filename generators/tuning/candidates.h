// SPDX-License-Identifier: MIT
// What is to be tuned: kernels of targets, the shapes that each is measured at, and the candidates.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "generators/codegen/targets.h"
#include "generators/normagen/manifest.h"
#include "generators/records/records.h"

namespace norma {

using Shape = std::pair<int64_t, int64_t>;  // rows, hidden

struct Wanted {
    std::string op, dtype;                // as --op and --dtype say; empty: all
    std::vector<Shape> shapes;            // empty: those of this file
    std::vector<std::string> strategies;  // only these; empty: all
    bool every = false;                   // kernel of the manifest, not one of each family
    bool same_bits = false;               // only candidates with the bits of the default
    bool autoschedulers = true;           // beside ours
    std::map<std::string, int> won;       // past_winners(): tried first
    size_t most = 100;                    // candidates of ours for a kernel; 0: all
    int shard = 1, shards = 1;            // every `shards`-th kernel, from the `shard`-th on
};

struct Tuned {
    KernelSpec standard;
    std::vector<Shape> shapes;
    std::vector<KernelSpec> candidates;  // the default first
};

bool is_wanted(const Variant &variant, const Wanted &wanted);  // its op and types
bool is_usual(const Variant &variant);                         // of the variants that differ in parameters and contract

// "512x4096,65536x128". Throws InputError.
std::vector<Shape> parse_shapes(const std::string &text);

// By target and knobs that decide code: for how many kernels of `records` a candidate of ours might win.
std::map<std::string, int> past_winners(const std::vector<Record> &records);

// Each kernel with those shapes that the dispatcher would give it. Throws InputError where nothing is left.
std::vector<Tuned> choose_candidates(const Manifest &manifest, const std::vector<TargetFile> &targets,
                                     const Wanted &wanted);

}  // namespace norma
