// SPDX-License-Identifier: MIT
#include "kernel_call.h"

#include <dlfcn.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "runtime/kernel_host/halide_type.h"

namespace norma {

KernelFile parse_kernel_file(const nlohmann::json &json, const std::string &directory) {
    return {directory + "/" + json.at("object").get<std::string>(), json.at("symbol"), json.at("arguments"),
            &bench::device_kind(json.at("device").get<std::string>())};
}

int64_t Tensor::elements() const {
    return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<int64_t>());
}

int64_t Tensor::bytes() const { return elements() * dtype_size(type); }

Tensors make_tensors(const Variant &variant, int64_t rows, int64_t hidden) {
    Tensors tensors;
    for (const TensorRole &role : tensor_roles) {
        norma_dtype type = role.dtype(variant);
        if (type == NORMA_NONE) {
            continue;
        }
        Tensor &tensor = tensors[role.name];
        tensor.type = role.column_sum ? NORMA_F32 : type;
        switch (role.kind(variant)) {
            case TensorKind::activation: tensor.extents = {hidden, rows}; break;
            case TensorKind::vector: tensor.extents = {hidden}; break;
            case TensorKind::statistic: tensor.extents = {rows}; break;
            case TensorKind::groups: tensor.extents = {hidden / group_size(variant.scale), rows}; break;
        }
        tensor.output = role.output(variant);
        tensor.column_sum = role.column_sum;
        // Random bits of integers are such numbers too.
        const bool bits = !is_float(tensor.type);
        tensor.memory =
            bench::random_tensor(bits ? NORMA_F32 : tensor.type, bits ? tensor.bytes() / 4 + 1 : tensor.elements());
    }
    return tensors;
}

KernelCall::KernelCall(const KernelFile &file, Tensors &tensors, int store_mode) : store_mode_(store_mode) {
    void *library = dlopen(file.path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void *entry = library != nullptr ? dlsym(library, (file.symbol + "_argv").c_str()) : nullptr;
    if (entry == nullptr) {
        throw std::runtime_error(std::string("cannot load: ") + dlerror());
    }
    run_ = reinterpret_cast<int (*)(void **)>(entry);
    device_call_ = file.device->device_call(context_);
    context_.device_call = device_call_.get();
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
            if (tensor.device != 0) {
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
    if (context_.message[0] != '\0') {
        throw std::runtime_error(context_.message);
    }
    if (error != 0) {
        throw std::runtime_error("the kernel returned " + std::to_string(error));
    }
}

}  // namespace norma
