// SPDX-License-Identifier: MIT
// What was compiled, in two steps. A key stands for all that a kernel is lowered from, the compiler included:
// KEY.lowered holds the hash of the lowered code. That hash, with what emits objects, stands for the object: OBJECT.o,
// of CUDA OBJECT.ptx, and written after them OBJECT.json with what the registry needs to know. So a change of the
// compiler lowers all kernels anew, and compiles those whose code it changed. Any number of processes may use one
// directory; entries appear whole or not at all, and may be deleted at any time. One that is damaged is none, and is
// told of on stderr. They are trusted: who may write there decides what is linked.
#pragma once

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
    // `scratch` begins the names of files that are renamed into their places: in a scratch() of the caller's.
    void add_hash(const std::string &key, const std::string &hash, const std::filesystem::path &scratch) const;

    std::optional<CompiledKernel> find(const std::string &hash) const;
    std::filesystem::path object(const std::string &hash) const { return path(hash, ".o"); }
    std::filesystem::path ptx(const std::string &hash) const { return path(hash, ".ptx"); }  // of CUDA

    // The key's hash and, where it is not there, the object.
    using Emit = std::function<CompiledKernel(const std::string &path)>;
    void add(const std::string &key, const std::string &hash, const Emit &emit,
             const std::filesystem::path &scratch) const;

    // Where the names of temporary directories for add() begin.
    std::filesystem::path scratch() const { return directory_ / "tmp"; }

private:
    std::filesystem::path path(const std::string &hash, const char *suffix) const;

    std::filesystem::path directory_;
};

}  // namespace norma
