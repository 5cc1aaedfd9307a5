// SPDX-License-Identifier: MIT
// norma demo: the LayerNorms of a model over its real activations: what was chosen, how exact, how fast.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "bench/given_names.h"
#include "bench/machine.h"
#include "bench/measure.h"
#include "commands.h"
#include "eps.h"
#include "layer.h"
#include "library.h"
#include "runtime/vocabulary/dtypes.h"
#include "tools/base/text.h"
#include "tools/reference/reference.h"

namespace norma::tool {

namespace {

constexpr double seconds_per_line = 0.15;
constexpr size_t widest = 60;  // column of names: longer ones stand out

Plan plan_for(const Layer &layer) {
    return Plan(describe(NORMA_LAYER_NORM_FORWARD, layer.hidden, layer.x.dtype, layer.weight.dtype, layer.bias.dtype));
}

// The layer and its plan; the casts of a layer are shown where the library has a kernel.
struct Line {
    Layer layer;
    Plan plan;
};

std::vector<Line> lines_of(const safetensors::File &file, const std::string &path) {
    std::vector<Line> lines;
    for (Layer &layer : layers_of(file, path)) {
        lines.push_back({layer, plan_for(layer)});
        for (norma_dtype dtype : {NORMA_BF16, NORMA_F16}) {
            try {
                if (layer.x.dtype == NORMA_F32) {
                    Layer cast = cast_to(dtype, layer);
                    Plan plan = plan_for(cast);
                    lines.push_back({std::move(cast), std::move(plan)});
                }
            } catch (const Error &error) {
                if (error.status() != NORMA_NOT_IN_LIBRARY) {
                    throw;
                }
            }
        }
    }
    return lines;
}

double distance(double expected, double got) {
    const bool same = expected == got || (std::isnan(expected) && std::isnan(got));
    const double difference = std::fabs(expected - got);
    return same ? 0 : std::isnan(difference) ? INFINITY : difference;
}

// Of y, against float64, in units of its type at each row's largest magnitude.
double worst_ulps(const Layer &layer, double eps, const std::vector<char> &y) {
    const norma_dtype dtype = layer.x.dtype;
    reference::Options options;
    options.eps = eps;
    options.weight = layer.weight.row(0, layer.hidden);
    options.bias = layer.bias.row(0, layer.hidden);
    double worst = 0;
    for (int64_t row = 0; row < layer.rows; row++) {
        const reference::Values expected = reference::layer_norm(layer.x.row(row, layer.hidden), options).y;
        const reference::Values got = Data{dtype, y}.row(row, layer.hidden);
        double largest = 0, error = 0;
        for (size_t d = 0; d < expected.size(); d++) {
            largest = std::isfinite(expected[d]) ? std::max(largest, std::fabs(expected[d])) : largest;
            error = std::max(error, distance(expected[d], got[d]));
        }
        worst = std::max(worst, error / reference::ulp(dtype, largest));
    }
    return worst;
}

struct Measured {
    double ulps, ns, copies;
};

Measured measure(const Line &line, double eps) {
    const Layer &layer = line.layer;
    std::vector<char> y(layer.x.bytes.size());
    norma_arguments arguments = norma::arguments(static_cast<float>(eps));
    arguments.x = tensor(layer.x.bytes.data(), layer.x.dtype, {layer.rows, layer.hidden});
    arguments.y = tensor(y.data(), layer.x.dtype, {layer.rows, layer.hidden});
    if (layer.weight.dtype != NORMA_NONE) {
        arguments.weight = tensor(layer.weight.bytes.data(), layer.weight.dtype, {layer.hidden});
    }
    if (layer.bias.dtype != NORMA_NONE) {
        arguments.bias = tensor(layer.bias.bytes.data(), layer.bias.dtype, {layer.hidden});
    }
    Workspace workspace;
    norma_execution execution = norma::execution(1);
    workspace.attach(line.plan.get(), layer.rows, execution);
    line.plan.run(arguments, execution);
    const double ulps = worst_ulps(layer, eps, y);
    const auto timings = bench::measure(
        {[&] { line.plan.run(arguments, execution); }, [&] { std::memcpy(y.data(), layer.x.bytes.data(), y.size()); }},
        {seconds_per_line, 5});
    return {ulps, timings[0].ns, timings[0].ns / timings[1].ns};
}

double file_eps(const safetensors::File &file, const std::string &path) {
    const auto found = file.metadata.find("eps");
    if (found == file.metadata.end()) {
        return 1e-5;
    }
    const std::optional<double> eps = eps_of(found->second);
    if (!eps) {
        throw InputError(path + ": its metadata have eps \"" + found->second + "\"; expected " + expected_eps);
    }
    return *eps;
}

std::string why(const std::string &kernel_name, int64_t hidden) {
    for (const norma_kernel_info &kernel : kernels()) {
        if (kernel.name == kernel_name) {
            return kernel.hidden_exact != 0 ? fmt::format("made for a hidden size of {}", hidden)
                                            : fmt::format(
                                                  "made for {}: of the classes of hidden sizes that have {}, "
                                                  "the narrowest",
                                                  hidden_sizes(kernel), hidden);
        }
    }
    return "";
}

void demo(const std::string &path) {
    const safetensors::File file = safetensors::read(path);
    const double eps = file_eps(file, path);
    const std::vector<Line> lines = lines_of(file, path);
    const auto model = file.metadata.find("model");
    const std::string target = lines[0].plan.explain();  // its first line
    fmt::print("{}: layer norms over its activations, eps {:g}, one thread of {}\n{}\n\n",
               one_line(model == file.metadata.end() ? path : model->second), eps, bench::this_machine().cpu,
               target.substr(0, target.find('\n')));

    size_t width = 5;
    for (const Line &line : lines) {
        width = std::max(width, std::min(one_line(line.layer.name).size(), widest));
    }
    fmt::print("{:<{}}  rows x hidden  type  error, ULP  time, us  / copy  kernel\n", "layer", width);
    std::vector<std::pair<std::string, int64_t>> used;  // kernel, and a hidden size that it ran
    for (const Line &line : lines) {
        const Layer &layer = line.layer;
        const std::string kernel = line.plan.kernel();
        auto same = std::find_if(used.begin(), used.end(), [&](const auto &known) { return known.first == kernel; });
        if (same == used.end()) {
            same = used.emplace(used.end(), kernel, layer.hidden);
        }
        const Measured measured = measure(line, eps);
        fmt::print("{:<{}}  {:>13}  {:<4}  {:>10.2f}  {:>8.2f}  {:>6.2f}  [{}]\n", one_line(layer.name), width,
                   fmt::format("{} x {}", layer.rows, layer.hidden), dtype_name(layer.x.dtype), measured.ulps,
                   measured.ns / 1000, measured.copies, same - used.begin() + 1);
        std::fflush(stdout);
    }
    fmt::print(
        "\nerror: of y against float64, in units of its type at the row's largest magnitude; / copy: the time over "
        "that of a\ncopy of x to y. Kernels, and why:\n");
    for (size_t i = 0; i < used.size(); i++) {
        fmt::print("[{}] {}\n    {}\n", i + 1, used[i].first, why(used[i].first, used[i].second));
    }
    fmt::print(
        "\nNext: `norma run layer_norm` for tensors of yours, `norma bench` for other shapes, NORMA_VERBOSE=dispatch "
        "for every\nkernel that was passed over; docs/cli.md.\n");
}

}  // namespace

void add_demo(CLI::App &app) {
    auto path = std::make_shared<std::string>();
    CLI::App *command = app.add_subcommand("demo", "The layer norms of a model over real activations");
    command
        ->add_option("file", *path, "A safetensors file with PREFIX.x, and PREFIX.weight, PREFIX.bias where there are")
        ->required();
    command->callback([path] {
        bench::with_given_names({{"desc.hidden", *path + ": the hidden size"}}, [&] { demo(*path); });
    });
}

}  // namespace norma::tool
