// SPDX-License-Identifier: MIT
// Real activations: the LayerNorms of all-MiniLM-L6-v2 over one batch of sentences, on every target.
#include <algorithm>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/kernels.h"
#include "tools/reference/reference.h"
#include "tools/safetensors/safetensors.h"

namespace {

using namespace norma;
using namespace norma::test;

const float eps = 1e-12F;

const safetensors::File &activations() {
    static const safetensors::File file =
        safetensors::read(NORMA_SOURCE_DIR "/examples/data/minilm_layer_norm.safetensors");
    return file;
}

std::vector<std::string> layers() {
    std::vector<std::string> names;
    for (const auto &[name, tensor] : activations().tensors) {
        if (name.size() > 2 && name.substr(name.size() - 2) == ".x") {
            names.push_back(name.substr(0, name.size() - 2));
        }
    }
    return names;
}

std::vector<float> values(const std::string &name) {
    const safetensors::Tensor &tensor = activations().tensors.at(name);
    std::vector<float> result(static_cast<size_t>(tensor.elements()));
    REQUIRE(tensor.dtype == "F32");
    std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
    return result;
}

// A layer's tensors, and what Norma makes of them.
struct Layer {
    std::vector<float> x, weight, bias, y, mean, rstd;
    int64_t hidden, rows;

    explicit Layer(const std::string &name)
        : x(values(name + ".x")), weight(values(name + ".weight")), bias(values(name + ".bias")), y(x.size()) {
        hidden = static_cast<int64_t>(weight.size());
        rows = static_cast<int64_t>(x.size()) / hidden;
        mean.resize(static_cast<size_t>(rows));
        rstd.resize(static_cast<size_t>(rows));
    }

    void run(const char *target) {
        norma_plan_desc desc = {};
        desc.size = sizeof(desc);
        desc.op = NORMA_LAYER_NORM_FORWARD;
        desc.hidden = hidden;
        desc.x = desc.weight = desc.bias = NORMA_F32;
        desc.flags = NORMA_SAVE_STATISTICS;
        desc.target = target;
        norma_arguments arguments = {};
        arguments.size = sizeof(arguments);
        arguments.eps = eps;
        arguments.x = {x.data(), NORMA_F32, {}, 2, {rows, hidden}, {hidden, 1}};
        arguments.y = {y.data(), NORMA_F32, {}, 2, {rows, hidden}, {hidden, 1}};
        arguments.weight = {weight.data(), NORMA_F32, {}, 1, {hidden}, {1}};
        arguments.bias = {bias.data(), NORMA_F32, {}, 1, {hidden}, {1}};
        arguments.mean = {mean.data(), NORMA_F32, {}, 1, {rows}, {1}};
        arguments.rstd = {rstd.data(), NORMA_F32, {}, 1, {rows}, {1}};
        require_ok(norma_run(&desc, &arguments, nullptr), "norma_run");
    }
};

double largest(const reference::Values &values) {
    double magnitude = 0;
    for (double value : values) {
        magnitude = std::max(magnitude, std::fabs(value));
    }
    return magnitude;
}

double error_in_ulps(float got, double expected, double magnitude) {
    return std::fabs(static_cast<double>(got) - expected) / reference::ulp(NORMA_F32, magnitude);
}

}  // namespace

TEST_CASE("MiniLM's LayerNorms against float64", "[minilm]") {
    REQUIRE(layers().size() == 4);
    for (int32_t t = 0; t < norma_target_count(); t++) {
        norma_target_info target = {};
        target.size = sizeof(target);
        require_ok(norma_get_target_info(t, &target), "norma_get_target_info");
        for (const std::string &name : layers()) {
            if (!target.runnable) {
                continue;
            }
            INFO(name << " on " << target.name);
            Layer layer(name);
            layer.run(target.name);
            reference::Options options;
            options.eps = static_cast<double>(eps);
            options.weight = reference::load(NORMA_F32, layer.weight.data(), layer.hidden);
            options.bias = reference::load(NORMA_F32, layer.bias.data(), layer.hidden);
            double y_error = 0, rstd_error = 0, largest_mean = 0, mean_distance = 0;
            for (int64_t row = 0; row < layer.rows; row++) {
                const auto at = static_cast<size_t>(row), first = at * static_cast<size_t>(layer.hidden);
                const reference::Values x = reference::load(NORMA_F32, layer.x.data() + first, layer.hidden);
                const reference::Row expected = reference::layer_norm(x, options);
                for (size_t d = 0; d < expected.y.size(); d++) {
                    y_error = std::max(y_error, error_in_ulps(layer.y[first + d], expected.y[d], largest(expected.y)));
                }
                largest_mean = std::max(largest_mean, std::fabs(expected.mean));
                mean_distance = std::max(mean_distance, std::fabs(static_cast<double>(layer.mean[at]) - expected.mean));
                rstd_error = std::max(rstd_error, error_in_ulps(layer.rstd[at], expected.rstd, expected.rstd));
            }
            // A sweep of 64 lanes for each of its sums adds up fewer numbers.
            CHECK(y_error <= (std::string(target.name).rfind("x86-64-v4", 0) == 0 ? 2 : 2.25));
            // The elements cancel: they are far larger than their mean.
            CHECK(mean_distance <= 4 * reference::ulp(NORMA_F32, largest_mean));
            CHECK(rstd_error <= 2);
        }
    }
}

TEST_CASE("MiniLM's LayerNorms agree with the model's own", "[minilm]") {
    for (const std::string &name : layers()) {
        Layer layer(name);
        layer.run(nullptr);
        const std::vector<float> model = values(name + ".y");
        double worst = 0;
        for (size_t i = 0; i < model.size(); i++) {
            worst = std::max(worst, std::fabs(static_cast<double>(layer.y[i]) - static_cast<double>(model[i])));
        }
        INFO(name);
        CHECK(worst < 1e-5);
    }
}
