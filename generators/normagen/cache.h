// SPDX-License-Identifier: MIT
// Compiled objects by content hash: HASH.o and, written after it, HASH.json with what the registry needs to know.
// Any number of processes may use one directory; entries appear whole or not at all, and may be deleted at any time.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "generators/codegen/kernel.h"

namespace norma {

class Cache {
public:
    explicit Cache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::optional<CompiledKernel> find(const std::string &hash, const std::string &symbol) const;
    std::filesystem::path object(const std::string &hash) const { return directory_ / (hash + ".o"); }
    std::filesystem::path ptx(const std::string &hash) const { return directory_ / (hash + ".ptx"); }  // of CUDA

    using Compile = std::function<CompiledKernel(const std::string &path)>;
    void add(const std::string &hash, const std::string &symbol, const Compile &compile) const;

    // Removes what an add() left that was cut short in process `pid`.
    void discard(const std::string &hash, pid_t pid) const;

private:
    std::filesystem::path temporary(const std::string &hash, pid_t pid) const;

    std::filesystem::path directory_;
};

}  // namespace norma
