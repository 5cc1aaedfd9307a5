// SPDX-License-Identifier: MIT
#include "kernel_call.h"

#include <dlfcn.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace norma {

namespace {

halide_type_t halide_type(DType type) {
    switch (type) {
        case DType::f16: return halide_type_t(halide_type_float, 16);
        case DType::bf16: return halide_type_t(halide_type_bfloat, 16);
        case DType::i8: return halide_type_t(halide_type_int, 8);
        case DType::i32: return halide_type_t(halide_type_int, 32);
        case DType::u8:
        case DType::f8_e4m3:
        case DType::f8_e5m2: return halide_type_t(halide_type_uint, 8);
        default: return halide_type_t(halide_type_float, 32);
    }
}

}  // namespace

KernelFile parse_kernel_file(const nlohmann::json &json, const std::string &directory) {
    return {directory + "/" + json.at("object").get<std::string>(), json.at("symbol"), json.at("arguments"),
            json.value("on_cuda", false)};
}

norma_dtype norma_type(DType type) {
    switch (type) {
        case DType::f16: return NORMA_F16;
        case DType::bf16: return NORMA_BF16;
        case DType::i8: return NORMA_I8;
        case DType::u8: return NORMA_U8;
        case DType::i32: return NORMA_I32;
        case DType::f8_e4m3: return NORMA_F8_E4M3;
        case DType::f8_e5m2: return NORMA_F8_E5M2;
        default: return NORMA_F32;
    }
}

int64_t element_size(DType type) { return halide_type(type).bytes(); }

int64_t Tensor::elements() const {
    return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<int64_t>());
}

int64_t Tensor::bytes() const { return elements() * element_size(type); }

Tensors make_tensors(const Variant &variant, int64_t rows, int64_t hidden) {
    Tensors tensors;
    auto add = [&](const std::string &role, DType type, std::vector<int64_t> extents, bool output) {
        if (type == DType::none) {
            return;
        }
        Tensor &tensor = tensors[role];
        tensor.type = type;
        tensor.extents = std::move(extents);
        tensor.output = output;
        // Random bits of integers are such numbers too.
        const bool whole = element_size(type) >= 2 && type != DType::i32;
        tensor.memory = bench::random_tensor(whole ? norma_type(type) : NORMA_F32,
                                             whole ? tensor.elements() : tensor.bytes() / 4 + 1);
    };
    auto only = [](bool present, DType type) { return present ? type : DType::none; };
    const bool backward = is_backward(variant), statistics = variant.statistics == Statistics::saved;
    const std::vector<int64_t> activation = {hidden, rows}, vector = {hidden}, of_rows = {rows};
    add("x", variant.x, activation, false);
    add("weight", variant.weight, vector, false);
    add("residual", only(!backward, variant.residual), activation, false);
    add("residual_out", only(!backward, variant.residual), activation, true);
    add("bias", only(!backward, variant.bias), vector, false);
    add("y", only(!backward, variant.y), activation, true);
    add("y_float", variant.y_float, activation, true);
    add("dy", only(backward, variant.y), activation, false);
    add("d_residual", only(backward, variant.residual), activation, false);
    add("dx", only(backward, variant.x), activation, true);
    for (const char *statistic : {"mean", "rstd"}) {
        add(statistic, only(!backward || statistics, DType::f32), of_rows, !backward);
    }
    for (const char *sum : {"dweight", "dbias"}) {
        add(sum, only(backward, DType::f32), vector, true);
        if (backward) {
            tensors.at(sum).column_sum = true;
        }
    }
    add("x_column_scale", only(variant.x == DType::i32, DType::f32), vector, false);
    add("x_scale", only(is_quantized(variant.x), DType::f32), of_rows, false);
    const int group = group_size(variant.scale);
    add("y_scale", only(variant.scale != Scale::none, DType::f32),
        group != 0 ? std::vector<int64_t>{hidden / group, rows} : of_rows, variant.scale != Scale::tensor);
    return tensors;
}

KernelCall::KernelCall(const KernelFile &file, Tensors &tensors, int store_mode) : store_mode_(store_mode) {
    void *library = dlopen(file.path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void *entry = library != nullptr ? dlsym(library, (file.symbol + "_argv").c_str()) : nullptr;
    if (entry == nullptr) {
        throw std::runtime_error(std::string("cannot load: ") + dlerror());
    }
    run_ = reinterpret_cast<int (*)(void **)>(entry);
    cuda_.message = context_.message;
    context_.cuda = file.on_cuda ? &cuda_ : nullptr;
    auto takes = [&](const char *role) { return std::count(file.arguments.begin(), file.arguments.end(), role) != 0; };
    has_store_mode_ = takes("store_mode");
    for (const std::string &role : file.arguments) {
        if (role == "user_context") {
            arguments_.push_back(&user_context_);
        } else if (role == "eps") {
            arguments_.push_back(&eps_);
        } else if (role == "weight_offset") {
            arguments_.push_back(&weight_offset_);
        } else if (role == "y_zero_point") {
            arguments_.push_back(&y_zero_point_);
        } else if (role == "store_mode") {
            arguments_.push_back(&store_mode_);
        } else if (role == "strips") {
            arguments_.push_back(&strips_);
        } else if (role == "first_strip" || role == "continued") {
            arguments_.push_back(&zero_);
        } else {
            auto found = tensors.find(role);
            if (found == tensors.end() || !found->second.memory.data()) {
                throw std::runtime_error("the variant has no tensor for the argument " + role);
            }
            const Tensor &tensor = found->second;
            Buffer &to = buffers_.emplace_back();
            if (file.on_cuda) {
                to.buffer.device = tensor.device;
            } else {
                to.buffer.host = static_cast<uint8_t *>(tensor.memory.data());
            }
            to.buffer.type = halide_type(tensor.type);
            to.buffer.dim = to.dimensions;
            to.buffer.dimensions = static_cast<int32_t>(tensor.extents.size());
            int64_t stride = 1;
            for (size_t d = 0; d < tensor.extents.size(); d++) {
                to.dimensions[d] = {0, static_cast<int32_t>(tensor.extents[d]), static_cast<int32_t>(stride), 0};
                stride *= tensor.extents[d];
            }
            // Kernels of strips add each row to sums that lie on top of each other; on CUDA, to those of its strip.
            if (tensor.column_sum && (has_store_mode_ || takes("strips"))) {
                strips_ = static_cast<int32_t>(tensor.strips);
                to.buffer.dimensions = 2;
                to.dimensions[1] = {0, static_cast<int32_t>(tensors.at("x").extents[1]),
                                    has_store_mode_ ? 0 : static_cast<int32_t>(stride), 0};
            }
            arguments_.push_back(&to.buffer);
        }
    }
}

void KernelCall::operator()() const {
    const int error = run_(const_cast<void **>(arguments_.data()));
    if (cuda_.status != NORMA_OK) {
        throw std::runtime_error(context_.message);
    }
    if (error != 0) {
        throw std::runtime_error("the kernel returned " + std::to_string(error));
    }
}

}  // namespace norma
