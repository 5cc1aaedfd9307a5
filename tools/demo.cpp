// SPDX-License-Identifier: MIT
// norma demo: the LayerNorms of a model over its real activations: what was chosen, how exact, how fast.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <memory>
#include <norma/norma.hpp>

#include "bench/measure.h"
#include "commands.h"
#include "safetensors.h"
#include "tests/reference.h"

namespace norma::tool {

namespace {

using safetensors::File;
using safetensors::Tensor;

struct Layer {
    std::string name;
    const Tensor *x, *weight, *bias;
    int64_t rows, hidden;
};

std::vector<Layer> layers_of(const File &file, const std::string &path) {
    std::vector<Layer> layers;
    for (const auto &[name, tensor] : file.tensors) {
        if (name.size() < 3 || name.substr(name.size() - 2) != ".x") {
            continue;
        }
        std::string prefix = name.substr(0, name.size() - 2);
        Layer layer = {prefix, &tensor, file.find(prefix + ".weight"), file.find(prefix + ".bias"), 0, 0};
        layer.hidden = tensor.shape.empty() ? 0 : tensor.shape.back();
        layer.rows = layer.hidden == 0 ? 0 : tensor.elements() / layer.hidden;
        for (const Tensor *part : {layer.x, layer.weight, layer.bias}) {
            if (part == nullptr || part->dtype != "F32" || (part != layer.x && part->elements() != layer.hidden)) {
                throw InputError(path + ": " + prefix + ": expected F32 tensors x, weight and bias");
            }
        }
        layers.push_back(layer);
    }
    if (layers.empty()) {
        throw InputError(path + ": has no tensor whose name ends in .x");
    }
    return layers;
}

double worst_ulps(const Layer &layer, double eps, const std::vector<float> &y) {
    reference::Options options;
    options.eps = eps;
    options.weight = reference::load(NORMA_F32, layer.weight->bytes.data(), layer.hidden);
    options.bias = reference::load(NORMA_F32, layer.bias->bytes.data(), layer.hidden);
    double worst = 0;
    for (int64_t row = 0; row < layer.rows; row++) {
        const char *x = layer.x->bytes.data() + row * layer.hidden * (int64_t)sizeof(float);
        reference::Values expected = reference::layer_norm(reference::load(NORMA_F32, x, layer.hidden), options).y;
        double largest = 0, error = 0;
        for (int64_t d = 0; d < layer.hidden; d++) {
            largest = std::max(largest, std::fabs(expected[(size_t)d]));
            error = std::max(error, std::fabs(expected[(size_t)d] - y[(size_t)(row * layer.hidden + d)]));
        }
        worst = std::max(worst, error / reference::ulp(NORMA_F32, largest));
    }
    return worst;
}

void demo(const std::string &path) {
    File file = safetensors::read(path);
    double eps = file.metadata.count("eps") != 0 ? std::stod(file.metadata["eps"]) : 1e-5;
    fmt::print("{}, eps {:g}, one thread\n\n", file.metadata.count("model") != 0 ? file.metadata["model"] : path, eps);
    std::string explanation;
    for (const Layer &layer : layers_of(file, path)) {
        Plan plan(describe(NORMA_LAYER_NORM_FORWARD, layer.hidden, NORMA_F32, NORMA_F32, NORMA_F32));
        std::vector<float> y((size_t)(layer.rows * layer.hidden));
        norma_arguments arguments = norma::arguments((float)eps);
        arguments.x = tensor(layer.x->bytes.data(), NORMA_F32, {layer.rows, layer.hidden});
        arguments.y = tensor(y.data(), {layer.rows, layer.hidden});
        arguments.weight = tensor(layer.weight->bytes.data(), NORMA_F32, {layer.hidden});
        arguments.bias = tensor(layer.bias->bytes.data(), NORMA_F32, {layer.hidden});
        norma_execution execution = norma::execution(1);
        plan.run(arguments, execution);
        double ulps = worst_ulps(layer, eps, y);

        auto timings = bench::measure({[&] { plan.run(arguments, execution); },
                                       [&] { std::memcpy(y.data(), layer.x->bytes.data(), y.size() * sizeof(float)); }},
                                      {0.2, 5});
        fmt::print("{}\n", layer.name);
        fmt::print("  {} x {}   error {:.2f} ULP   {:.2f} us   {:.2f} x a copy of the same bytes\n", layer.rows,
                   layer.hidden, ulps, timings[0].ns / 1000, timings[0].ns / timings[1].ns);
        fmt::print("  {}\n", plan.kernel());
        explanation = plan.explain();
    }
    fmt::print("\nWhy this kernel:\n{}", explanation);
    fmt::print("\nNext: norma list, norma info, norma bench; docs/life-of-a-kernel.md\n");
}

}  // namespace

void add_demo(CLI::App &app) {
    auto path = std::make_shared<std::string>();
    CLI::App *command = app.add_subcommand("demo", "The layer norms of a model over real activations");
    command->add_option("file", *path, "A safetensors file with PREFIX.x, PREFIX.weight and PREFIX.bias")->required();
    command->callback([path] {
        try {
            demo(*path);
        } catch (const safetensors::FormatError &error) {
            throw InputError(error.what());
        }
    });
}

}  // namespace norma::tool
