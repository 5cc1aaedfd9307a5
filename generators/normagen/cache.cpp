// SPDX-License-Identifier: MIT
#include "cache.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "build_digest.h"
#include "tools/base/digest.h"
#include "tools/base/files.h"
#include "tools/base/messages.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void rename_to(const fs::path &from, const fs::path &to) {
    if (rename(from.c_str(), to.c_str()) != 0) {
        throw OutputError(to.string() + ": cannot write: " + std::strerror(errno));
    }
}

// Text with its digest before it, so that it is known whether it is whole.
void write_sealed(const fs::path &path, const std::string &text, const fs::path &scratch) {
    const fs::path made = scratch.string() + ".sealed";
    write_if_changed(made, digest(text) + "\n" + text + "\n");
    rename_to(made, path);
}

[[noreturn]] void damaged(const fs::path &path) {
    tell(path.string() + " is damaged: what it holds is made anew");
    throw std::runtime_error("damaged");
}

std::string read_sealed(const fs::path &path) {
    const std::string content = read_file(path);
    const size_t end = content.find('\n');
    if (end == content.npos || content.back() != '\n') {
        damaged(path);
    }
    const std::string text = content.substr(end + 1, content.size() - end - 2);
    if (content.substr(0, end) != digest(text)) {
        damaged(path);
    }
    return text;
}

void check_digest(const json &expected, const fs::path &path) {
    if (expected != digest(read_file(path))) {
        damaged(path);
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

void Cache::add_hash(const std::string &key, const std::string &hash, const fs::path &scratch) const {
    write_sealed(directory_ / (key + ".lowered"), hash, scratch);
}

std::optional<CompiledKernel> Cache::find(const std::string &hash) const {
    try {
        const json entry = json::parse(read_sealed(path(hash, ".json")));
        check_digest(entry.at("object"), object(hash));
        if (entry.contains("ptx")) {
            check_digest(entry.at("ptx"), ptx(hash));
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

void Cache::add(const std::string &key, const std::string &hash, const Emit &emit, const fs::path &scratch) const {
    if (find(hash)) {
        return add_hash(key, hash, scratch);
    }
    const fs::path made = scratch.string() + ".o", text = ptx_path(made.string());
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
    write_sealed(path(hash, ".json"), entry.dump(), scratch);
    add_hash(key, hash, scratch);
}

fs::path Cache::path(const std::string &hash, const char *suffix) const {
    return directory_ / (digest(hash + emitter_digest) + suffix);
}

}  // namespace norma
