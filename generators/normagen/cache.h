// SPDX-License-Identifier: MIT
// What was compiled, in two steps. A key stands for all that a kernel is lowered from, the compiler included:
// KEY.lowered holds the hash of the lowered code. That hash, with what emits objects, stands for the object: OBJECT.o,
// of CUDA OBJECT.ptx, and written after them OBJECT.json with what the registry needs to know. So a change of the
// compiler lowers all kernels anew, and compiles those whose code it changed. Any number of processes may use one
// directory; entries appear whole or not at all, and may be deleted at any time. One that is damaged is none.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "generators/codegen/emit_object.h"

namespace norma {

class Cache {
public:
    explicit Cache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::optional<std::string> find_hash(const std::string &key) const;
    void add_hash(const std::string &key, const std::string &hash) const;

    std::optional<CompiledKernel> find(const std::string &hash) const;
    std::filesystem::path object(const std::string &hash) const { return path(hash, ".o"); }
    std::filesystem::path ptx(const std::string &hash) const { return path(hash, ".ptx"); }  // of CUDA

    // The key's hash and, where it is not there, the object.
    using Emit = std::function<CompiledKernel(const std::string &path)>;
    void add(const std::string &key, const std::string &hash, const Emit &emit) const;

    // Removes what an add() left that was cut short in process `pid`.
    void discard(const std::string &key, pid_t pid) const;

private:
    std::filesystem::path path(const std::string &hash, const char *suffix) const;
    std::filesystem::path temporary(const std::string &key, pid_t pid) const;

    std::filesystem::path directory_;
};

}  // namespace norma
