// SPDX-License-Identifier: MIT
// norma list: the kernels of this build.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
#include "library.h"

namespace norma::tool {

namespace {

void list_json() {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const norma_kernel_info &kernel : kernels()) {
        list.push_back(to_json(kernel));
    }
    fmt::print("{}\n", list.dump(2));
}

void list() {
    for (const norma_kernel_info &kernel : kernels()) {
        fmt::print("{:<15} {}{}\n", kernel.target, kernel.name, kernel.runnable ? "" : "  (not on this machine)");
    }
    fmt::print("{} kernels\n", norma_kernel_count());
}

}  // namespace

void add_list(CLI::App &app) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App *command = app.add_subcommand("list", "The kernels of this build");
    command->add_flag("--json", *as_json, "For programs");
    command->callback([as_json] { *as_json ? list_json() : list(); });
}

}  // namespace norma::tool
