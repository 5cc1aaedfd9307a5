// SPDX-License-Identifier: MIT
// norma info: this machine, the target chosen for it and why, how a kernel was made.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <memory>

#include "bench/device/device.h"
#include "bench/machine.h"
#include "commands.h"
#include "library.h"
#include "runtime/vocabulary/fields.h"
#include "tools/base/origins.h"

namespace norma::tool {

namespace {

using json = nlohmann::ordered_json;

std::string forced_target() {
    const char *name = std::getenv("NORMA_TARGET");
    return name == nullptr ? "" : name;
}

// As records name them.
json devices() {
    json first = json::object();
    for (size_t i = 0; i < bench::device_kind_count; i++) {
        if (const bench::DeviceKind &kind = *bench::device_kinds[i]; kind.is_there(0)) {
            first[kind.word] = kind.describe();
        }
    }
    return first;
}

json library_info() {
    std::map<std::string, std::vector<std::string>> origins_of;
    for (const norma_kernel_info &kernel : kernels()) {
        origins_of[kernel.target].emplace_back(kernel.origin);
    }
    json list = json::array();
    for (const norma_target_info &target : targets()) {
        list.push_back({{"name", target.name},
                        {"halide", target.halide},
                        {"device", device_words.name(target.device)},
                        {"sm", target.sm},
                        {"kernels", origins_of[target.name].size()},
                        {"knobs", origins_text(origins_of[target.name])},
                        {"runnable", target.runnable != 0},
                        {"chosen", target.chosen != 0}});
    }
    const bench::Machine machine = bench::this_machine();
    return {{"version", norma_version()},
            {"cpu", machine.cpu},
            {"cores", machine.cores},
            {"l1d", machine.l1d},
            {"l2", machine.l2},
            {"l3", machine.l3},
            {"threads", norma_get_num_threads()},
            {"kernels", norma_kernel_count()},
            {"forced_target", forced_target()},
            {"devices", devices()},
            {"targets", list}};
}

std::string kilobytes(const json &bytes) {
    return bytes == 0 ? "unknown" : fmt::format("{} KB", bytes.get<int64_t>() / 1024);
}

void print(const json &info) {
    fmt::print("norma {}, {} kernels\n", info["version"].get<std::string>(), info["kernels"].get<int>());
    fmt::print("CPU      {}, {} cores, caches {}, {}, {}\n", info["cpu"].get<std::string>(), info["cores"].get<int>(),
               kilobytes(info["l1d"]), kilobytes(info["l2"]), kilobytes(info["l3"]));
    fmt::print("threads  {}\n", info["threads"].get<int>());
    const std::string forced = info["forced_target"];
    bool any = false;
    for (const json &target : info["targets"]) {
        const bool cuda = target["device"] == "cuda";
        any |= !cuda && target["chosen"].get<bool>();
        fmt::print("target   {:<15} {:>4} kernels  {}\n", target["name"].get<std::string>(),
                   target["kernels"].get<int>(),
                   !target["runnable"]        ? (cuda ? "no CUDA device here runs it" : "this CPU cannot run it")
                   : !target["chosen"]        ? "runs here"
                   : target["name"] == forced ? "chosen: forced by NORMA_TARGET"
                   : cuda                     ? "chosen: the best that CUDA device 0 runs"
                                              : "chosen: the best that this CPU runs");
        fmt::print("         knobs: {}\n", target["knobs"].get<std::string>());
    }
    if (!any) {
        fmt::print("target   none is chosen{}: plans that name no target are refused\n",
                   forced.empty() ? "" : ", NORMA_TARGET is \"" + forced + "\"");
    }
}

// The kernels of this name, one for each target.
std::vector<norma_kernel_info> kernels_named(const std::string &name) {
    std::vector<norma_kernel_info> found;
    for (const norma_kernel_info &kernel : kernels()) {
        if (kernel.name == name) {
            found.push_back(kernel);
        }
    }
    if (found.empty()) {
        throw InputError("--kernel is \"" + name + "\"; expected a name that norma list prints");
    }
    return found;
}

json to_json(const std::vector<norma_kernel_info> &kernels) {
    json list = json::array();
    for (const norma_kernel_info &kernel : kernels) {
        list.push_back(tool::to_json(kernel));
    }
    return list;
}

void print(const std::vector<norma_kernel_info> &kernels) {
    const json variant = tool::to_json(kernels[0]);
    fmt::print("{}\n", kernels[0].name);
    for (const Field &field : fields) {
        if (field.in_info != absent) {
            fmt::print("  {:<9} {}\n", field.key, variant[field.key].get<std::string>());
        }
    }
    fmt::print("  {:<9} {}\n", "hidden", hidden_sizes(kernels[0]));
    for (const norma_kernel_info &kernel : kernels) {
        fmt::print("  {}{}\n    strategy {}, knobs from {}\n    {}\n", kernel.target,
                   kernel.runnable ? "" : " (not on this machine)", kernel.strategy, kernel.origin, kernel.knobs);
    }
}

}  // namespace

void add_info(CLI::App &app) {
    auto as_json = std::make_shared<bool>(false);
    auto kernel = std::make_shared<std::string>();
    CLI::App *command = app.add_subcommand("info", "This machine, the target chosen for it, the library's contents");
    command->add_flag("--json", *as_json, "For programs");
    command->add_option("--kernel", *kernel, "How this kernel was made, for each target; see norma list");
    command->callback([as_json, kernel, command] {
        const bool one = command->count("--kernel") != 0;
        if (*as_json) {
            fmt::print("{}\n", (one ? to_json(kernels_named(*kernel)) : library_info()).dump(2));
        } else {
            one ? print(kernels_named(*kernel)) : print(library_info());
        }
    });
}

}  // namespace norma::tool
