// SPDX-License-Identifier: MIT
// Manifests: which kernels a library holds. docs/manifest.md describes the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant_name.h"

namespace norma {

struct Manifest {
    std::string file;  // for messages
    std::string name;
    std::vector<std::string> targets;  // names; empty: every target
    struct Entry {
        Variant variant;
        norma_device_type device;
        std::string strategy;  // "": the device's own; others are for the contract relaxed
    };
    std::vector<Entry> kernels;  // expanded, each once, in the order of the file
};

// Those for one kind of device.
std::vector<Variant> variants_for(const std::vector<Manifest::Entry> &kernels, norma_device_type device);

// Those that an entry may name, the device's own first.
std::vector<std::string> strategy_words(norma_device_type device);

Manifest read_manifest(const std::filesystem::path &path);  // throws InputError

}  // namespace norma
