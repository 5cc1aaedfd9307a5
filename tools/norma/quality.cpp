// SPDX-License-Identifier: MIT
// norma quality: what narrow types of y cost a norm over real activations, and what narrow statistics would.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/given_names.h"
#include "commands.h"
#include "eps.h"
#include "quality_lines.h"
#include "runtime/vocabulary/dtypes.h"
#include "tools/base/output_file.h"

namespace norma::tool {

namespace {

struct QualityOptions {
    std::string op, input, prefix, x_dtype, json;
    double eps = 1e-5, shift = 0;
};

void shift_by(float shift, Data &data) {
    for (size_t at = 0; at < data.bytes.size(); at += sizeof(float)) {
        float value;
        std::memcpy(&value, &data.bytes[at], sizeof value);
        value += shift;
        std::memcpy(&data.bytes[at], &value, sizeof value);
    }
}

Layer layer_for(const QualityOptions &options) {
    const auto wanted = [&](const std::string &name) { return name.rfind(options.prefix, 0) == 0; };
    Layer layer = layer_of(safetensors::read(options.input, wanted), options.prefix, options.input);
    if (options.op == "rms_norm") {
        layer.bias = {};
    }
    if ((options.shift != 0 || !options.x_dtype.empty()) && layer.x.dtype != NORMA_F32) {
        throw InputError(fmt::format("{}: x is {}; expected F32 with --x-dtype or --shift", options.input,
                                     info_of(layer.x.dtype).safetensors));
    }
    if (options.shift != 0) {
        shift_by(static_cast<float>(options.shift), layer.x);
    }
    return options.x_dtype.empty()
               ? layer
               : cast_to(static_cast<norma_dtype>(dtype_words.find(options.x_dtype.c_str())->value), layer);
}

// JSON has no infinity: a word, apart from what there is no number for.
nlohmann::ordered_json json_of_decibels(double snr) {
    if (std::isinf(snr)) {
        return snr > 0 ? "inf" : "-inf";
    }
    return snr;  // null where it is NaN
}

nlohmann::ordered_json to_json(const QualityOptions &options, const Layer &layer, const Quality &quality) {
    nlohmann::ordered_json json = {{"op", options.op},
                                   {"x", dtype_name(layer.x.dtype)},
                                   {"rows", layer.rows},
                                   {"hidden", layer.hidden},
                                   {"eps", options.eps},
                                   {"shift", options.shift},
                                   {"largest_y", quality.largest},
                                   {"results", nlohmann::ordered_json::array()},
                                   {"left_out", nlohmann::ordered_json::array()}};
    for (const QualityLine &line : quality.lines) {
        json["results"].push_back({{"y", line.y},
                                   {"scale", line.scale},
                                   {"statistics", line.statistics},
                                   {"snr_db", json_of_decibels(line.snr)},
                                   {"largest_error", line.largest_error},
                                   {"kernel", line.kernel}});
    }
    for (const LeftOut &left : quality.left_out) {
        json["left_out"].push_back({{"y", left.y}, {"scale", left.scale}, {"why", left.why}});
    }
    return json;
}

void print_table(const QualityOptions &options, const Layer &layer, const Quality &quality) {
    fmt::print("{} of {} x {} in {}, eps {:g}; largest |y| {:.3g}\n\n", options.op, layer.rows, layer.hidden,
               dtype_name(layer.x.dtype), options.eps, quality.largest);
    fmt::print("{:<8}  {:<9}  {:<14}  {:>7}  {:>13}\n", "y", "scale", "statistics", "SNR, dB", "largest error");
    for (const QualityLine &line : quality.lines) {
        fmt::print("{:<8}  {:<9}  {:<14}  {:>7.1f}  {:>13.2g}\n", line.y, line.scale, line.statistics, line.snr,
                   line.largest_error);
    }
    LeftOut last;
    for (const LeftOut &left : quality.left_out) {
        if (left.y != last.y || left.why != last.why) {
            fmt::print("\nleft out, {}: {}", left.why, left.y);
        }
        fmt::print(" {}", left.scale);
        last = left;
    }
    fmt::print(quality.left_out.empty() ? "" : "\n");
}

void quality(const QualityOptions &options) {
    const Layer layer = layer_for(options);
    const Quality quality = bench::with_given_names({{"desc.hidden", options.input + ": the hidden size"}}, [&] {
        return quality_of(layer, options.op == "rms_norm" ? NORMA_RMS_NORM_FORWARD : NORMA_LAYER_NORM_FORWARD,
                          options.eps);
    });
    const std::string json = to_json(options, layer, quality).dump(2) + "\n";
    if (options.json == "-") {
        fmt::print("{}", json);
        return;
    }
    if (!options.json.empty()) {
        const auto file = open_output("--json", options.json);
        file->write(json);
        file->finish();
    }
    print_table(options, layer, quality);
}

}  // namespace

void add_quality(CLI::App &app) {
    auto options = std::make_shared<QualityOptions>();
    CLI::App *command = app.add_subcommand("quality", "The error of a norm by type and scale of y, against float64");
    command->add_option("op", options->op, "layer_norm or rms_norm")
        ->required()
        ->check(CLI::IsMember({"layer_norm", "rms_norm"}));
    command
        ->add_option("--input", options->input,
                     "A safetensors file with x, and weight where there is; of layer_norm also bias")
        ->required();
    command->add_option("--prefix", options->prefix, "Of the tensors' names: PREFIX.x and so on");
    add_eps(*command, options->eps);
    command->add_option("--x-dtype", options->x_dtype, "Rounds x, weight and bias to this type first")
        ->check(CLI::IsMember({"f16", "bf16"}));
    command
        ->add_option("--shift", options->shift,
                     "Added to x first, which changes nothing of a layer_norm but its rounding")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--json", options->json,
                        "Writes JSON to this file; - for standard output instead of the table");
    command->callback([options] { quality(*options); });
}

}  // namespace norma::tool
