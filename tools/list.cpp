// SPDX-License-Identifier: MIT
// norma list, norma info: what this build holds, and what this machine makes of it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <norma/norma.hpp>

#include "bench/machine.h"
#include "commands.h"
#include "dtypes.h"

namespace norma::tool {

namespace {

using json = nlohmann::ordered_json;

const std::map<norma_op, const char *> op_names = {{NORMA_LAYER_NORM_FORWARD, "layer_norm_forward"},
                                                   {NORMA_RMS_NORM_FORWARD, "rms_norm_forward"}};
const std::map<norma_contract, const char *> contract_names = {{NORMA_FP32_ONCE, "fp32_once"}, {NORMA_HF, "hf"}};

std::vector<norma_kernel_info> kernels() {
    std::vector<norma_kernel_info> all((size_t)norma_kernel_count());
    for (size_t i = 0; i < all.size(); i++) {
        all[i].size = sizeof all[i];
        check(norma_get_kernel_info((int32_t)i, &all[i]));
    }
    return all;
}

std::vector<norma_target_info> targets() {
    std::vector<norma_target_info> all((size_t)norma_target_count());
    for (size_t i = 0; i < all.size(); i++) {
        all[i].size = sizeof all[i];
        check(norma_get_target_info((int32_t)i, &all[i]));
    }
    return all;
}

json to_json(const norma_kernel_info &kernel) {
    return {{"name", kernel.name},
            {"target", kernel.target},
            {"op", op_names.at(kernel.op)},
            {"contract", contract_names.at(kernel.contract)},
            {"x", name_of(kernel.x)},
            {"y", name_of(kernel.y)},
            {"weight", name_of(kernel.weight)},
            {"bias", name_of(kernel.bias)},
            {"residual", name_of(kernel.residual)},
            {"hidden_multiple", kernel.hidden_multiple},
            {"hidden_exact", kernel.hidden_exact},
            {"hidden_most", kernel.hidden_most},
            {"strategy", kernel.strategy},
            {"knobs", json::parse(kernel.knobs)},
            {"origin", kernel.origin},
            {"runnable", kernel.runnable != 0}};
}

json to_json(const norma_target_info &target, const std::vector<norma_kernel_info> &all) {
    auto mine =
        std::count_if(all.begin(), all.end(), [&](auto &kernel) { return std::string(kernel.target) == target.name; });
    return {{"name", target.name},
            {"halide", target.halide},
            {"kernels", mine},
            {"runnable", target.runnable != 0},
            {"chosen", target.chosen != 0}};
}

void list(bool as_json) {
    json all = json::array();
    for (const norma_kernel_info &kernel : kernels()) {
        all.push_back(to_json(kernel));
        if (!as_json) {
            fmt::print("{:<15} {}{}\n", kernel.target, kernel.name, kernel.runnable ? "" : "  (not on this CPU)");
        }
    }
    if (as_json) {
        fmt::print("{}\n", all.dump(2));
    } else {
        fmt::print("{} kernels\n", all.size());
    }
}

json library_info() {
    std::vector<norma_kernel_info> all = kernels();
    bench::Machine machine = bench::this_machine();
    json list = json::array();
    for (const norma_target_info &target : targets()) {
        list.push_back(to_json(target, all));
    }
    return {{"version", norma_version()},
            {"cpu", machine.cpu},
            {"cores", machine.cores},
            {"l1d", machine.l1d},
            {"l2", machine.l2},
            {"l3", machine.l3},
            {"threads", norma_get_num_threads()},
            {"kernels", all.size()},
            {"targets", list}};
}

void print(const json &info) {
    fmt::print("norma {}, {} kernels\n", info["version"].get<std::string>(), info["kernels"].get<int>());
    fmt::print("CPU      {}, {} cores, caches {} KB, {} KB, {} KB\n", info["cpu"].get<std::string>(),
               info["cores"].get<int>(), info["l1d"].get<int64_t>() / 1024, info["l2"].get<int64_t>() / 1024,
               info["l3"].get<int64_t>() / 1024);
    fmt::print("threads  {}\n", info["threads"].get<int>());
    for (const json &target : info["targets"]) {
        fmt::print("target   {:<15} {:>4} kernels  {}\n", target["name"].get<std::string>(),
                   target["kernels"].get<int>(),
                   target["chosen"]     ? "chosen: the first that this CPU runs, unless NORMA_TARGET says otherwise"
                   : target["runnable"] ? "runs here"
                                        : "this CPU cannot run it");
    }
}

void info(const std::string &kernel_name, bool as_json) {
    if (kernel_name.empty()) {
        json library = library_info();
        as_json ? fmt::print("{}\n", library.dump(2)) : print(library);
        return;
    }
    json found = json::array();
    for (const norma_kernel_info &kernel : kernels()) {
        if (kernel.name == kernel_name) {
            found.push_back(to_json(kernel));
        }
    }
    if (found.empty()) {
        throw InputError("--kernel is \"" + kernel_name + "\"; expected a name that norma list prints");
    }
    if (as_json) {
        fmt::print("{}\n", found.dump(2));
        return;
    }
    fmt::print("{}\n", kernel_name);
    for (const json &kernel : found) {
        fmt::print("  {:<15} strategy {}, knobs {}, from {}\n", kernel["target"].get<std::string>(),
                   kernel["strategy"].get<std::string>(), kernel["knobs"].dump(), kernel["origin"].get<std::string>());
    }
}

}  // namespace

void add_list(CLI::App &app) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App *command = app.add_subcommand("list", "The kernels of this build");
    command->add_flag("--json", *as_json, "For programs");
    command->callback([as_json] { list(*as_json); });
}

void add_info(CLI::App &app) {
    auto as_json = std::make_shared<bool>(false);
    auto kernel = std::make_shared<std::string>();
    CLI::App *command = app.add_subcommand("info", "This machine, the target chosen for it, the library's contents");
    command->add_flag("--json", *as_json, "For programs");
    command->add_option("--kernel", *kernel, "How this kernel was made, for each target");
    command->callback([as_json, kernel] { info(*kernel, *as_json); });
}

}  // namespace norma::tool
