// SPDX-License-Identifier: MIT
#include "cache.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "build_digest.h"
#include "tools/base/digest.h"
#include "tools/base/files.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// Text with its digest before it, so that it is known whether it is whole.
void write_sealed(const fs::path &path, const std::string &text) {
    write_if_changed(path, digest(text) + "\n" + text + "\n");
}

std::string read_sealed(const fs::path &path) {
    const std::string content = read_file(path);
    const size_t end = content.find('\n');
    if (end == content.npos || content.back() != '\n') {
        throw std::runtime_error(path.string() + " is damaged");
    }
    const std::string text = content.substr(end + 1, content.size() - end - 2);
    if (content.substr(0, end) != digest(text)) {
        throw std::runtime_error(path.string() + " is damaged");
    }
    return text;
}

void rename_to(const fs::path &from, const fs::path &to) {
    if (rename(from.c_str(), to.c_str()) != 0) {
        throw OutputError(to.string() + ": cannot write: " + std::strerror(errno));
    }
}

}  // namespace

std::optional<std::string> Cache::find_hash(const std::string &key) const {
    try {
        return read_sealed(directory_ / (key + ".lowered"));
    } catch (const std::exception &) {
        return std::nullopt;
    }
}

void Cache::add_hash(const std::string &key, const std::string &hash) const {
    write_sealed(directory_ / (key + ".lowered"), hash);
}

std::optional<CompiledKernel> Cache::find(const std::string &hash) const {
    try {
        const json entry = json::parse(read_sealed(path(hash, ".json")));
        if (entry.at("object") != digest(read_file(object(hash))) ||
            (entry.contains("ptx") && entry.at("ptx") != digest(read_file(ptx(hash))))) {
            return std::nullopt;
        }
        CompiledKernel compiled;
        entry.at("arguments").get_to(compiled.arguments);
        entry.at("workspace_per_element").get_to(compiled.workspace_per_element);
        entry.at("alignment").get_to(compiled.alignment);
        entry.at("threads").get_to(compiled.threads);
        entry.at("shared_bytes").get_to(compiled.shared_bytes);
        for (const json &on : entry.at("resources")) {
            compiled.resources.push_back({on.at(0), on.at(1), on.at(2)});
        }
        return compiled;
    } catch (const std::exception &) {
        return std::nullopt;
    }
}

void Cache::add(const std::string &key, const std::string &hash, const Emit &emit) const {
    if (find(hash)) {
        return add_hash(key, hash);
    }
    const fs::path made = temporary(key, getpid()), text = ptx_path(made.string());
    const CompiledKernel compiled = emit(made.string());
    json resources = json::array();
    for (const CudaResources &on : compiled.resources) {
        resources.push_back({on.sm, on.registers, on.spill_bytes});
    }
    json entry = {{"object", digest(read_file(made))},
                  {"arguments", compiled.arguments},
                  {"workspace_per_element", compiled.workspace_per_element},
                  {"alignment", compiled.alignment},
                  {"threads", compiled.threads},
                  {"shared_bytes", compiled.shared_bytes},
                  {"resources", resources}};
    if (fs::exists(text)) {
        entry["ptx"] = digest(read_file(text));
        rename_to(text, ptx(hash));
    }
    rename_to(made, object(hash));
    write_sealed(path(hash, ".json"), entry.dump());
    add_hash(key, hash);
}

void Cache::discard(const std::string &key, pid_t pid) const {
    std::error_code ignored;
    fs::remove(temporary(key, pid), ignored);
    fs::remove(ptx_path(temporary(key, pid).string()), ignored);
}

fs::path Cache::path(const std::string &hash, const char *suffix) const {
    return directory_ / (digest(hash + emitter_digest) + suffix);
}

fs::path Cache::temporary(const std::string &key, pid_t pid) const {
    return directory_ / (key + "." + std::to_string(pid) + ".tmp.o");
}

}  // namespace norma
