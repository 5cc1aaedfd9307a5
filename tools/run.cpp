// SPDX-License-Identifier: MIT
// norma run: an op over the tensors of a safetensors file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <norma/norma.hpp>
#include <set>

#include "commands.h"
#include "dtypes.h"
#include "safetensors.h"

namespace norma::tool {

namespace {

struct Options {
    std::string op, input, output, prefix, contract = "fp32_once", y_dtype, target, kernel, device = "cpu",
                                           store = "auto";
    double eps = 1e-5, weight_offset = 0;
    bool save_stats = false;
    int threads = 0, axis = -1;
};

using safetensors::File;
using safetensors::Tensor;
using Shape = std::vector<int64_t>;

int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
    int64_t count = 1;
    std::for_each(begin, end, [&](int64_t extent) { count *= extent; });
    return count;
}

std::string text_of(const Shape &shape) {
    std::string text;
    for (int64_t extent : shape) {
        text += (text.empty() ? "" : ", ") + std::to_string(extent);
    }
    return "[" + text + "]";
}

class Run {
public:
    Run(const Options &options, const File &file) : options_(options), file_(file) {}

    File operator()() {
        x_ = required("x");
        const Tensor *weight = file_.find(named("weight")), *bias = file_.find(named("bias"));
        const Tensor *residual = file_.find(named("residual"));
        split_shape();
        expect_shape("weight", weight, inner_);
        expect_shape("bias", bias, inner_);
        expect_shape("residual", residual, x_->shape);

        norma_plan_desc desc = describe(op(), product(inner_.begin(), inner_.end()), type("x", x_),
                                        type("weight", weight), type("bias", bias));
        desc.y = options_.y_dtype.empty() ? desc.x : parse_dtype(options_.y_dtype);
        desc.residual = type("residual", residual);
        desc.contract = options_.contract == "hf" ? NORMA_HF : NORMA_FP32_ONCE;
        desc.flags = options_.save_stats ? NORMA_SAVE_STATISTICS : 0;
        desc.target = options_.target.empty() ? nullptr : options_.target.c_str();
        desc.kernel = options_.kernel.empty() ? nullptr : options_.kernel.c_str();
        Plan plan(desc);

        norma_arguments arguments = norma::arguments((float)options_.eps, (float)options_.weight_offset);
        arguments.x = activation(x_->bytes.data(), desc.x);
        arguments.y = output("y", desc.y, x_->shape);
        if (weight != nullptr) {
            arguments.weight = tensor(weight->bytes.data(), desc.weight, {desc.hidden});
        }
        if (bias != nullptr) {
            arguments.bias = tensor(bias->bytes.data(), desc.bias, {desc.hidden});
        }
        if (residual != nullptr) {
            arguments.residual = activation(residual->bytes.data(), desc.residual);
            arguments.residual_out = output("residual_out", desc.residual, x_->shape);
        }
        if (options_.save_stats) {
            arguments.rstd = output("rstd", NORMA_F32, outer_);
            if (desc.op == NORMA_LAYER_NORM_FORWARD) {
                arguments.mean = output("mean", NORMA_F32, outer_);
            }
        }
        norma_execution execution = norma::execution(options_.threads);
        execution.store = options_.store == "ordinary"    ? NORMA_STORE_ORDINARY
                          : options_.store == "streaming" ? NORMA_STORE_STREAMING
                                                          : NORMA_STORE_AUTO;
        Workspace workspace;
        plan.run(arguments, execution, workspace);
        return std::move(result_);
    }

private:
    std::string named(const std::string &role) const {
        return options_.prefix.empty() ? role : options_.prefix + "." + role;
    }

    norma_op op() const { return options_.op == "layer_norm" ? NORMA_LAYER_NORM_FORWARD : NORMA_RMS_NORM_FORWARD; }

    const Tensor *required(const std::string &role) const {
        const Tensor *found = file_.find(named(role));
        if (found == nullptr) {
            throw InputError(options_.input + ": has no tensor \"" + named(role) + "\"");
        }
        return found;
    }

    norma_dtype type(const std::string &role, const Tensor *tensor) const {
        if (tensor == nullptr) {
            return NORMA_NONE;
        }
        norma_dtype dtype = dtype_of_safetensors(tensor->dtype);
        if (dtype == NORMA_NONE) {
            throw InputError(options_.input + ": " + named(role) + " is " + tensor->dtype +
                             "; expected F32, F16 or BF16");
        }
        return dtype;
    }

    void split_shape() {
        int rank = (int)x_->shape.size();
        int axis = options_.axis < 0 ? options_.axis + rank : options_.axis;
        if (axis < 0 || axis >= rank) {
            throw InputError("--axis is " + std::to_string(options_.axis) + "; " + named("x") + " has " +
                             std::to_string(rank) + " dimensions");
        }
        outer_.assign(x_->shape.begin(), x_->shape.begin() + axis);
        inner_.assign(x_->shape.begin() + axis, x_->shape.end());
        rows_ = product(outer_.begin(), outer_.end());
    }

    void expect_shape(const std::string &role, const Tensor *tensor, const Shape &shape) const {
        if (tensor != nullptr && tensor->shape != shape) {
            throw InputError(options_.input + ": " + named(role) + " is " + text_of(tensor->shape) + "; expected " +
                             text_of(shape));
        }
    }

    norma_tensor activation(const char *data, norma_dtype dtype) const {
        return tensor(data, dtype, {rows_, product(inner_.begin(), inner_.end())});
    }

    norma_tensor output(const std::string &role, norma_dtype dtype, const Shape &shape) {
        Tensor &made = result_.tensors[named(role)];
        made = {name_in_safetensors(dtype), shape, {}};
        made.bytes.resize((size_t)made.elements() * safetensors::dtype_bytes(made.dtype));
        return shape.size() == x_->shape.size() ? activation(made.bytes.data(), dtype)
                                                : tensor(made.bytes.data(), dtype, {rows_});
    }

    const Options &options_;
    const File &file_;
    const Tensor *x_ = nullptr;
    Shape outer_, inner_;
    int64_t rows_ = 0;
    File result_;
};

void run(const Options &options) {
    try {
        const std::string prefix = options.prefix.empty() ? "" : options.prefix + ".";
        const std::set<std::string> roles = {prefix + "x", prefix + "weight", prefix + "bias", prefix + "residual"};
        File file = safetensors::read(options.input, [&](const std::string &name) { return roles.count(name) != 0; });
        safetensors::write(options.output, Run(options, file)());
    } catch (const safetensors::FormatError &error) {
        throw InputError(error.what());
    }
}

}  // namespace

void add_run(CLI::App &app) {
    auto options = std::make_shared<Options>();
    CLI::App *command = app.add_subcommand("run", "Normalize the tensors of a safetensors file");
    command->add_option("op", options->op, "layer_norm or rms_norm")
        ->required()
        ->check(CLI::IsMember({"layer_norm", "rms_norm"}));
    command->add_option("--input", options->input, "Reads x, and weight, bias, residual where there are")->required();
    command->add_option("--output", options->output, "Writes y, residual_out, mean, rstd")->required();
    command->add_option("--prefix", options->prefix, "Of the tensors' names: PREFIX.x and so on");
    // CLI11 would take an empty argument, as from a variable that is not set, for 0.
    command->add_option("--eps", options->eps, "Added to the variance or mean square")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--weight-offset", options->weight_offset, "Added to the weight; 1 for Gemma")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--contract", options->contract, "Order of rounding")
        ->check(CLI::IsMember({"fp32_once", "hf"}))
        ->capture_default_str();
    command->add_flag("--save-stats", options->save_stats, "Also write rstd, and mean for layer_norm");
    command->add_option("--threads", options->threads, "At most so many; 0 for all")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--y-dtype", options->y_dtype, "Type of y; that of x by default")
        ->check(CLI::IsMember({"f32", "f16", "bf16"}));
    command->add_option("--axis", options->axis, "Dimensions from this one on are normalized")
        ->check(CLI::Number)
        ->capture_default_str();
    command->add_option("--target", options->target, "Instead of the best one; see norma info");
    command->add_option("--kernel", options->kernel, "Instead of the one chosen; see norma list");
    command->add_option("--device", options->device, "Where to run")
        ->check(CLI::IsMember({"cpu"}))
        ->capture_default_str();
    command->add_option("--store", options->store, "How y is stored")
        ->check(CLI::IsMember({"auto", "ordinary", "streaming"}))
        ->capture_default_str();
    command->callback([options] { run(*options); });
}

}  // namespace norma::tool
