// SPDX-License-Identifier: MIT
#include "cache.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/base/files.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

std::optional<CompiledKernel> Cache::find(const std::string &hash, const std::string &symbol) const {
    try {
        const json entry = json::parse(read_file(directory_ / (hash + ".json")));
        // A damaged object must be compiled anew, not linked.
        if (entry.at("symbol") != symbol || entry.at("size") != fs::file_size(object(hash)) ||
            (!entry.at("resources").empty() && !fs::exists(ptx(hash)))) {
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

void Cache::add(const std::string &hash, const std::string &symbol, const Compile &compile) const {
    const fs::path path = temporary(hash, getpid());
    const CompiledKernel compiled = compile(path.string());
    json resources = json::array();
    for (const CudaResources &on : compiled.resources) {
        resources.push_back({on.sm, on.registers, on.spill_bytes});
    }
    const json entry = {{"symbol", symbol},
                        {"size", fs::file_size(path)},
                        {"arguments", compiled.arguments},
                        {"workspace_per_element", compiled.workspace_per_element},
                        {"alignment", compiled.alignment},
                        {"threads", compiled.threads},
                        {"shared_bytes", compiled.shared_bytes},
                        {"resources", resources}};
    if (const std::string text = ptx_path(path.string()); fs::exists(text)) {
        fs::rename(text, ptx(hash));
    }
    if (rename(path.c_str(), object(hash).c_str()) != 0) {
        throw OutputError(object(hash).string() + ": cannot write: " + std::strerror(errno));
    }
    write_if_changed(directory_ / (hash + ".json"), entry.dump() + "\n");
}

void Cache::discard(const std::string &hash, pid_t pid) const {
    std::error_code ignored;
    fs::remove(temporary(hash, pid), ignored);
    fs::remove(ptx_path(temporary(hash, pid).string()), ignored);
}

fs::path Cache::temporary(const std::string &hash, pid_t pid) const {
    return directory_ / (hash + "." + std::to_string(pid) + ".tmp.o");
}

}  // namespace norma
