// SPDX-License-Identifier: MIT
// norma run: an op over the tensors of a safetensors file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cfloat>
#include <cmath>
#include <memory>
#include <set>

#include "bench/given_names.h"
#include "commands.h"
#include "eps.h"
#include "run_tensors.h"
#include "runtime/vocabulary/word_lists.h"

namespace norma::tool {

namespace {

constexpr int most_threads = 256;  // as norma bench has, and the pool

// Options that mean nothing to the op, and numbers that are none.
void refuse_others(const CLI::App &command, const RunOptions &options) {
    const std::vector<std::string> others =
        options.info().backward ? std::vector<std::string>{"--save-stats", "--y-dtype", "--y-float", "--scale"}
                                : std::vector<std::string>{"--f32-gradients"};
    for (const std::string &option : others) {
        if (command.count(option) != 0) {
            throw InputError(option + " is given; " + options.op + " has no such option");
        }
    }
    if (command.count("--y-scale") != (options.scale == "tensor" ? 1 : 0)) {
        throw InputError(options.scale == "tensor" ? "--scale is tensor; expected --y-scale beside it"
                                                   : "--y-scale is given; expected --scale tensor beside it");
    }
    // What is another number in fp32, which the library computes in, is not what was asked for.
    if (const float scale = (float)options.y_scale; !(scale > 0 && scale <= FLT_MAX)) {
        throw InputError(fmt::format("--y-scale is {}; expected a finite number above 0 in fp32", options.y_scale));
    }
    if (options.threads < 0 || options.threads > most_threads) {
        throw InputError(fmt::format("--threads is {}; expected 0 to {}", options.threads, most_threads));
    }
    if (!std::isfinite((float)options.weight_offset)) {
        throw InputError(fmt::format("--weight-offset is {}; expected a finite number in fp32", options.weight_offset));
    }
}

void run(const RunOptions &options) {
    std::set<std::string> wanted;
    for (const std::string &role : options.input_roles()) {
        wanted.insert(options.named(role));
    }
    std::vector<std::string> ignored;
    const safetensors::File file = safetensors::read(options.input, [&](const std::string &name) {
        const bool is_wanted = wanted.count(name) != 0;
        if (!is_wanted && options.is_of_prefix(name)) {
            ignored.push_back(name);
        }
        return is_wanted;
    });
    const safetensors::File result =
        bench::with_given_names(options.given_names(), [&] { return run_on(options, file, std::move(ignored)); });
    safetensors::write(options.output, result);
}

}  // namespace

void add_run(CLI::App &app) {
    auto options = std::make_shared<RunOptions>();
    CLI::App *command = app.add_subcommand("run", "Normalize the tensors of a safetensors file");
    command->add_option("op", options->op, "layer_norm, rms_norm, layer_norm_backward or rms_norm_backward")
        ->required()
        ->check(CLI::IsMember(op_names()));
    command
        ->add_option("--input", options->input,
                     "Reads x, and weight, bias, residual where there are; for a backward x and dy, and weight, bias, "
                     "mean, rstd, d_residual where there are")
        ->required();
    command
        ->add_option("--output", options->output,
                     "Writes y, y_scale, y_float, residual_out, mean, rstd; or dx, dweight, dbias")
        ->required();
    command->add_option("--prefix", options->prefix, "Of the tensors' names: PREFIX.x and so on");
    add_eps(*command, options->eps);
    // CLI11 would take an empty argument, as from a variable that is not set, for 0.
    command->add_option("--weight-offset", options->weight_offset, "Added to the weight; 1 for Gemma")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--contract", options->contract, "Order of rounding")
        ->check(CLI::IsMember(words_of("contract")))
        ->capture_default_str();
    command->add_flag("--save-stats", options->save_stats, "Also write rstd, and mean for layer_norm");
    command->add_option("--threads", options->threads, "At most so many; 0 for all")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--y-dtype", options->y_dtype, "Type of y; that of x by default")
        ->check(CLI::IsMember(words_of("y")));
    command->add_option("--y-float", options->y_float_dtype, "Also write y_float: y before it is quantized")
        ->check(CLI::IsMember(words_of("y_float")));
    command->add_option("--scale", options->scale, "What the scale of a quantized y is for")
        ->check(CLI::IsMember(words_of("scale")));
    command->add_option("--y-scale", options->y_scale, "The scale, with --scale tensor")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--y-zero-point", options->y_zero_point, "Of y in u8")
        ->check(CLI::Range(0, 255))
        ->capture_default_str();
    command->add_flag("--f32-gradients", options->f32_gradients, "Write dweight and dbias as F32");
    command->add_option("--axis", options->axis, "Dimensions from this one on are normalized")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--target", options->target, "Instead of the best one; see norma info");
    command->add_option("--kernel", options->kernel, "Instead of the one chosen; see norma list");
    command->add_option("--device", options->device, "Where to run")
        ->check(CLI::IsMember(names(device_words)))
        ->capture_default_str();
    command->add_option("--store", options->store, "How y or dx is stored")
        ->check(CLI::IsMember(names(store_words)))
        ->capture_default_str();
    command->callback([options, command] {
        refuse_others(*command, *options);
        run(*options);
    });
}

}  // namespace norma::tool
