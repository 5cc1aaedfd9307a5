// SPDX-License-Identifier: MIT
#include "layer.h"

#include <fmt/format.h>

#include "commands.h"
#include "runtime/vocabulary/dtypes.h"
#include "tools/reference/reference.h"

namespace norma::tool {

namespace {

using safetensors::Tensor;

constexpr size_t most_layers = 1000;  // models have a few hundred, and each takes a plan and a part of a second

Data data_of(const Tensor *tensor) {
    return tensor == nullptr ? Data{} : Data{dtype_of_safetensors(tensor->dtype.c_str()), tensor->bytes};
}

template <typename T>
void narrow(Data &data) {
    std::vector<char> bytes(data.bytes.size() / sizeof(float) * sizeof(T));
    for (size_t i = 0; i < bytes.size() / sizeof(T); i++) {
        float wide;
        std::memcpy(&wide, data.bytes.data() + i * sizeof wide, sizeof wide);
        const T value(wide);
        std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    data.bytes = std::move(bytes);
}

}  // namespace

std::vector<double> Data::row(int64_t index, int64_t hidden) const {
    if (dtype == NORMA_NONE) {
        return {};
    }
    const size_t element = static_cast<size_t>(dtype_size(dtype));
    return reference::load(dtype, bytes.data() + static_cast<size_t>(index * hidden) * element, hidden);
}

Layer layer_of(const safetensors::File &file, const std::string &prefix, const std::string &path) {
    const std::string dotted = prefix.empty() ? "" : prefix + ".";
    const Tensor *x = file.find(dotted + "x"), *weight = file.find(dotted + "weight"),
                 *bias = file.find(dotted + "bias");
    if (x == nullptr) {
        throw InputError(fmt::format("{}: has no tensor \"{}x\"", path, dotted));
    }
    const int64_t hidden = x->shape.empty() ? 0 : x->shape.back();
    if (x->elements() == 0 || hidden == 0) {
        throw InputError(fmt::format("{}: {}x has no rows; expected [..., hidden] of 1 or more", path, dotted));
    }
    for (const Tensor *parameter : {weight, bias}) {
        if (parameter != nullptr && parameter->shape != std::vector<int64_t>{hidden}) {
            throw InputError(
                fmt::format("{}: {}weight and {}bias: expected the shape [{}]", path, dotted, dotted, hidden));
        }
    }
    for (const Tensor *tensor : {x, weight, bias}) {
        const norma_dtype dtype = tensor == nullptr ? NORMA_F32 : dtype_of_safetensors(tensor->dtype.c_str());
        if (dtype == NORMA_NONE || is_quantized(dtype)) {
            throw InputError(fmt::format("{}: {} has a tensor of {}; expected F32, F16 or BF16", path,
                                         prefix.empty() ? "the norm" : prefix, tensor->dtype));
        }
    }
    return {prefix, x->elements() / hidden, hidden, data_of(x), data_of(weight), data_of(bias)};
}

std::vector<Layer> layers_of(const safetensors::File &file, const std::string &path) {
    std::vector<std::string> prefixes;
    for (const auto &[name, tensor] : file.tensors) {
        if (name.size() > 2 && name.compare(name.size() - 2, 2, ".x") == 0) {
            prefixes.push_back(name.substr(0, name.size() - 2));
        }
    }
    if (prefixes.empty()) {
        throw InputError(path + ": has no tensor whose name ends in .x");
    }
    if (prefixes.size() > most_layers) {
        throw InputError(fmt::format("{}: has {} tensors whose names end in .x; expected at most {}", path,
                                     prefixes.size(), most_layers));
    }
    std::vector<Layer> layers;
    for (const std::string &prefix : prefixes) {
        layers.push_back(layer_of(file, prefix, path));
    }
    return layers;
}

Layer cast_to(norma_dtype dtype, const Layer &layer) {
    Layer cast = layer;
    for (Data *data : {&cast.x, &cast.weight, &cast.bias}) {
        if (data->dtype == NORMA_F32) {
            dtype == NORMA_BF16 ? narrow<Eigen::bfloat16>(*data) : narrow<Eigen::half>(*data);
            data->dtype = dtype;
        }
    }
    return cast;
}

}  // namespace norma::tool
