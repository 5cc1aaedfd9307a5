// SPDX-License-Identifier: MIT
#include "run_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <norma/norma.hpp>
#include <set>

#include "bench/device/device_memory.h"
#include "commands.h"
#include "runtime/vocabulary/tensors.h"
#include "runtime/vocabulary/verbose_words.h"
#include "tools/base/messages.h"
#include "tools/base/text.h"

namespace norma::tool {

namespace {

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

using Kind = TensorKind;

// Of a word that the command line has checked; 0, which is none, where it is left out.
template <typename Enum>
Enum word(const Words &words, const std::string &name) {
    return static_cast<Enum>(name.empty() ? 0 : words.find(name.c_str())->value);
}

// "a, b", or "none".
template <typename Names>
std::string listed(const Names &names) {
    return names.empty() ? "none" : comma_separated({names.begin(), names.end()});
}

class Run {
public:
    Run(const RunOptions &options, const File &file, std::vector<std::string> ignored)
        : options_(options),
          file_(file),
          ignored_(std::move(ignored)),
          device_{word<norma_device_type>(device_words, options.device), 0},
          memory_(device_) {}

    File operator()() {
        split_shape();
        const norma_plan_desc desc = options_.info().backward ? describe_backward() : describe_forward();
        show_tensors();
        Plan plan(desc);
        norma_arguments arguments = norma::arguments((float)options_.eps, (float)options_.weight_offset);
        arguments.x = input("x", Kind::activation);
        arguments.weight = input("weight", Kind::vector);
        options_.info().backward ? place_backward(desc, arguments) : place_forward(desc, arguments);
        norma_execution execution = norma::execution(options_.threads);
        execution.store = word<norma_store>(store_words, options_.store);
        run(plan, arguments, execution);
        return std::move(result_);
    }

private:
    void run(const Plan &plan, const norma_arguments &arguments, norma_execution &execution) {
        Workspace workspace;
        if (device_.type == NORMA_CPU) {
            return plan.run(arguments, execution, workspace);
        }
        execution.workspace_size = plan.workspace_size(rows(arguments));
        execution.workspace = execution.workspace_size != 0 ? memory_.allocate(execution.workspace_size) : nullptr;
        plan.run(arguments, execution);
        memory_.finish();
    }

    norma_plan_desc describe_forward() const {
        norma_plan_desc desc = describe_parameters(type("bias", Kind::vector));
        desc.y = options_.y_dtype.empty() ? desc.x : word<norma_dtype>(dtype_words, options_.y_dtype);
        desc.residual = type("residual", Kind::activation);
        desc.y_float = word<norma_dtype>(dtype_words, options_.y_float_dtype);
        desc.scale = word<norma_scale>(scale_words, options_.scale);
        desc.flags = options_.save_stats ? NORMA_SAVE_STATISTICS : 0;
        if (desc.x == NORMA_I32) {
            required("x_column_scale");
        }
        if (is_quantized(desc.x)) {
            required("x_scale");
        }
        return desc;
    }

    norma_plan_desc describe_backward() const {
        const norma_dtype weight = type("weight", Kind::vector), bias = type("bias", Kind::vector);
        // What a layer_norm has beside its weight, unless the file says otherwise.
        const bool assumed = options_.info().has_mean && bias == NORMA_NONE;
        norma_plan_desc desc = describe_parameters(assumed ? weight : bias);
        required("dy");
        desc.y = type("dy", Kind::activation);
        desc.residual = type("d_residual", Kind::activation);
        desc.flags = options_.f32_gradients ? NORMA_F32_GRADIENTS : 0;
        if (find("rstd") == nullptr && find("mean") == nullptr) {
            desc.flags |= NORMA_RECOMPUTE_STATISTICS;
        } else {
            required("rstd");
            type("rstd", Kind::statistic);
            if (options_.info().has_mean) {
                required("mean");
                type("mean", Kind::statistic);
            }
        }
        return desc;
    }

    norma_plan_desc describe_parameters(norma_dtype bias) const {
        norma_plan_desc desc = describe(options_.info().op, product(inner_.begin(), inner_.end()),
                                        type("x", Kind::activation), type("weight", Kind::vector), bias);
        desc.device = device_;
        desc.contract = word<norma_contract>(contract_words, options_.contract);
        desc.target = options_.target.empty() ? nullptr : options_.target.c_str();
        desc.kernel = options_.kernel.empty() ? nullptr : options_.kernel.c_str();
        return desc;
    }

    void place_forward(const norma_plan_desc &desc, norma_arguments &arguments) {
        arguments.bias = input("bias", Kind::vector);
        place_scales(desc, arguments);
        arguments.residual = input("residual", Kind::activation);
        arguments.y = output("y", desc.y, Kind::activation);
        arguments.y_float = output("y_float", desc.y_float, Kind::activation);
        arguments.y_zero_point = options_.y_zero_point;
        arguments.residual_out = output("residual_out", desc.residual, Kind::activation);
        if (options_.save_stats) {
            arguments.rstd = output("rstd", NORMA_F32, Kind::statistic);
            arguments.mean = output("mean", options_.info().has_mean ? NORMA_F32 : NORMA_NONE, Kind::statistic);
        }
    }

    void place_scales(const norma_plan_desc &desc, norma_arguments &arguments) {
        if (desc.x == NORMA_I32) {
            type("x_column_scale", Kind::vector);
            arguments.x_column_scale = input("x_column_scale", Kind::vector);
        }
        if (is_quantized(desc.x)) {
            const Tensor &scale = required("x_scale");
            const bool one = scale.shape.empty() || scale.shape == Shape{1};
            const norma_dtype dtype = one ? type_alone("x_scale", scale) : type("x_scale", Kind::statistic);
            arguments.x_scale = one ? memory_.input(tensor(scale.bytes.data(), dtype, {}), scale.bytes.size())
                                    : input("x_scale", Kind::statistic);
        }
        const int group = group_size(desc.scale);
        if (desc.scale == NORMA_SCALE_TENSOR) {
            y_scale_ = (float)options_.y_scale;
            arguments.y_scale = memory_.input(tensor(&y_scale_, {}), sizeof y_scale_);
        } else if (group == 0) {
            arguments.y_scale =
                output("y_scale", desc.scale == NORMA_SCALE_NONE ? NORMA_NONE : NORMA_F32, Kind::statistic);
        } else {
            groups_ = outer_;
            groups_.push_back(desc.hidden / group);
            arguments.y_scale = output("y_scale", NORMA_F32, Kind::groups);
        }
    }

    void place_backward(const norma_plan_desc &desc, norma_arguments &arguments) {
        if (!(desc.flags & NORMA_RECOMPUTE_STATISTICS)) {
            arguments.rstd = input("rstd", Kind::statistic);
            arguments.mean = options_.info().has_mean ? input("mean", Kind::statistic) : norma_tensor{};
        }
        arguments.dy = input("dy", Kind::activation);
        arguments.d_residual = input("d_residual", Kind::activation);
        auto gradient = [&](norma_dtype dtype) {
            return dtype != NORMA_NONE && options_.f32_gradients ? NORMA_F32 : dtype;
        };
        arguments.dx = output("dx", desc.x, Kind::activation);
        arguments.dweight = output("dweight", gradient(desc.weight), Kind::vector);
        arguments.dbias = output("dbias", gradient(desc.bias), Kind::vector);
    }

    const Tensor *find(const std::string &role) const {
        const Tensor *found = file_.find(options_.named(role));
        (found != nullptr ? taken_ : missed_).insert(options_.named(role));
        return found;
    }

    // What is there decides what is computed, so a name that is misspelt would go unnoticed.
    void show_tensors() const {
        if (verbose_level_of(std::getenv("NORMA_VERBOSE")) < Verbose::info) {
            return;
        }
        std::set<std::string> ignored(ignored_.begin(), ignored_.end());
        for (const auto &[name, tensor] : file_.tensors) {
            if (taken_.count(name) == 0) {
                ignored.insert(name);
            }
        }
        tell(one_line(fmt::format("info: {}: taken: {}; not there: {}; ignored: {}", options_.input, listed(taken_),
                                  listed(missed_), listed(ignored))));
    }

    const Tensor &required(const std::string &role) const {
        const Tensor *found = find(role);
        if (found == nullptr) {
            throw InputError(options_.input + ": has no tensor \"" + options_.named(role) + "\"");
        }
        return *found;
    }

    const Tensor &x() const { return required("x"); }

    std::vector<std::string> types_of(const std::string &role) const {
        if (role == "mean" || role == "rstd" || role == "x_scale" || role == "x_column_scale") {
            return {"F32"};
        }
        return role == "x" && !options_.info().backward ? std::vector<std::string>{"F32", "F16", "BF16", "I8", "I32"}
                                                        : std::vector<std::string>{"F32", "F16", "BF16"};
    }

    // Whatever its shape.
    norma_dtype type_alone(const std::string &role, const Tensor &tensor) const {
        const std::vector<std::string> types = types_of(role);
        if (std::find(types.begin(), types.end(), tensor.dtype) == types.end()) {
            throw InputError(fmt::format("{}: {} is {}; expected {}{}", options_.input, options_.named(role),
                                         tensor.dtype, types.size() > 1 ? "one of " : "", comma_separated(types)));
        }
        return dtype_of_safetensors(tensor.dtype.c_str());
    }

    // NORMA_NONE where the file has none.
    norma_dtype type(const std::string &role, Kind kind) const {
        const Tensor *tensor = find(role);
        if (tensor == nullptr) {
            return NORMA_NONE;
        }
        const norma_dtype dtype = type_alone(role, *tensor);
        Shape with_one = outer_;
        with_one.push_back(1);
        if (tensor->shape != shape(kind) && !(kind == Kind::statistic && tensor->shape == with_one)) {
            throw InputError(options_.input + ": " + options_.named(role) + " is " + text_of(tensor->shape) +
                             "; expected " + text_of(shape(kind)));
        }
        return dtype;
    }

    void split_shape() {
        const int rank = (int)x().shape.size();
        const int axis = options_.axis < 0 ? options_.axis + rank : options_.axis;
        if (rank == 0) {
            throw InputError(options_.input + ": " + options_.named("x") + " has no dimensions; expected 1 or more");
        }
        if (axis < 0 || axis >= rank) {
            throw InputError(fmt::format("--axis is {}; expected {} to {}, as {} has {} dimensions", options_.axis,
                                         -rank, rank - 1, options_.named("x"), rank));
        }
        outer_.assign(x().shape.begin(), x().shape.begin() + axis);
        inner_.assign(x().shape.begin() + axis, x().shape.end());
    }

    const Shape &shape(Kind kind) const {
        return kind == Kind::activation ? x().shape
               : kind == Kind::vector   ? inner_
               : kind == Kind::groups   ? groups_
                                        : outer_;
    }

    norma_tensor placed(const char *data, norma_dtype dtype, Kind kind) const {
        const int64_t rows = product(outer_.begin(), outer_.end()), hidden = product(inner_.begin(), inner_.end());
        return kind == Kind::activation ? tensor(data, dtype, {rows, hidden})
               : kind == Kind::groups   ? tensor(data, dtype, {rows, groups_.back()})
                                        : tensor(data, dtype, {kind == Kind::vector ? hidden : rows});
    }

    norma_tensor input(const std::string &role, Kind kind) {
        const Tensor *found = find(role);
        return found == nullptr
                   ? norma_tensor{}
                   : memory_.input(placed(found->bytes.data(), dtype_of_safetensors(found->dtype.c_str()), kind),
                                   found->bytes.size());
    }

    norma_tensor output(const std::string &role, norma_dtype dtype, Kind kind) {
        if (dtype == NORMA_NONE) {
            return {};
        }
        Tensor &made = result_.tensors[options_.named(role)];
        made = {info_of(dtype).safetensors, shape(kind), {}};
        made.bytes.resize((size_t)made.elements() * safetensors::dtype_bytes(made.dtype));
        return memory_.output(placed(made.bytes.data(), dtype, kind), made.bytes.size());
    }

    const RunOptions &options_;
    const File &file_;
    const std::vector<std::string> ignored_;
    mutable std::set<std::string> taken_, missed_;  // of those that were looked for
    const norma_device device_;
    bench::DeviceMemory memory_;
    Shape outer_, inner_, groups_;
    float y_scale_ = 1;
    File result_;
};

}  // namespace

File run_on(const RunOptions &options, const File &file, std::vector<std::string> ignored) {
    return Run(options, file, std::move(ignored))();
}

}  // namespace norma::tool
