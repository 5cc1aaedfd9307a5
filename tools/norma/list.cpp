// SPDX-License-Identifier: MIT
// norma list: the kernels of this build.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "commands.h"
#include "library.h"
#include "runtime/vocabulary/word_lists.h"
#include "tools/base/text.h"

namespace norma::tool {

namespace {

struct Options {
    bool json = false;
    std::string op, dtype, target;
    int64_t hidden = 0;  // 0: any
};

bool is_wanted(const norma_kernel_info &kernel, const Options &options) {
    const HiddenClass hidden = {static_cast<int32_t>(kernel.hidden_multiple), static_cast<int32_t>(kernel.hidden_exact),
                                static_cast<int32_t>(kernel.hidden_most)};
    const std::string x = dtype_name(kernel.x), y = dtype_name(kernel.y);
    return (options.op.empty() || find_op(options.op.c_str())->op == kernel.op) &&
           (options.dtype.empty() || options.dtype == x + ":" + y || (x == y && options.dtype == x)) &&
           (options.target.empty() || options.target == kernel.target) &&
           (options.hidden == 0 || has_hidden(hidden, options.hidden));
}

void list(const Options &options) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const norma_kernel_info &kernel : kernels()) {
        if (!is_wanted(kernel, options)) {
            continue;
        }
        json.push_back(to_json(kernel));
        if (!options.json) {
            fmt::print("{:<15} {}{}\n", kernel.target, kernel.name, kernel.runnable ? "" : "  (not on this machine)");
        }
    }
    options.json ? fmt::print("{}\n", json.dump(2)) : fmt::print("{} kernels\n", json.size());
}

}  // namespace

void add_list(CLI::App &app) {
    auto options = std::make_shared<Options>();
    CLI::App *command = app.add_subcommand("list", "The kernels of this build");
    command->add_flag("--json", options->json, "For programs");
    command->add_option("--op", options->op, "Only of this op")->check(CLI::IsMember(all_op_names()));
    command->add_option("--dtype", options->dtype, "Only with x of this type, and y unless it is x:y")
        ->check([](const std::string &text) {
            const size_t colon = text.find(':');
            const std::vector<std::string> of_x = words_of("x"), of_y = words_of("y");
            const bool known =
                std::count(of_x.begin(), of_x.end(), text.substr(0, colon)) != 0 &&
                (colon == text.npos || std::count(of_y.begin(), of_y.end(), text.substr(colon + 1)) != 0);
            return known ? "" : "\"" + text + "\"; expected a type of x, one of " + comma_separated(of_x) + ", or x:y";
        });
    command->add_option("--hidden", options->hidden, "Only those that run this hidden size")
        ->check(CLI::Range(int64_t{1}, int64_t{max_hidden}));
    command->add_option("--target", options->target, "Only of this target")->check([](const std::string &text) {
        std::vector<std::string> names;
        for (const norma_target_info &target : targets()) {
            names.emplace_back(target.name);
        }
        const bool known = std::count(names.begin(), names.end(), text) != 0;
        return known ? "" : "\"" + text + "\"; expected one of this library's, " + comma_separated(names);
    });
    command->callback([options] { list(*options); });
}

}  // namespace norma::tool
