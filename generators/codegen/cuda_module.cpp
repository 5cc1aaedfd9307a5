// SPDX-License-Identifier: MIT
#include "cuda_module.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace norma {

namespace {

bool is_image(const Halide::Buffer<> &buffer) {
    return buffer.name().find("cuda_gpu_source_kernels") != std::string::npos;
}

// The size of the image, where the kernel hands it to the runtime.
class ImageSize : public Halide::Internal::IRMutator {
public:
    explicit ImageSize(int bytes) : bytes_(bytes) {}

protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override {
        if (op->name != "halide_cuda_initialize_kernels") {
            return IRMutator::visit(op);
        }
        std::vector<Halide::Expr> arguments = op->args;
        arguments.back() = bytes_;
        return Halide::Internal::Call::make(op->type, op->name, arguments, op->call_type);
    }

private:
    int bytes_;
};

class SharedBytes : public Halide::Internal::IRVisitor {
public:
    int bytes = 0;

protected:
    using IRVisitor::visit;
    void visit(const Halide::Internal::Call *op) override {
        constexpr int argument = 8;
        if (op->name == "halide_cuda_run") {
            const Halide::Expr shared = Halide::Internal::simplify(op->args.at(argument));
            bytes = std::max(bytes, (int)Halide::Internal::as_const_int(shared).value());
        }
        IRVisitor::visit(op);
    }
};

}  // namespace

std::string image_of(const Halide::Module &module) {
    std::vector<Halide::Buffer<uint8_t>> images;
    std::copy_if(module.buffers().begin(), module.buffers().end(), std::back_inserter(images), is_image);
    if (images.size() != 1) {
        throw std::logic_error(module.name() + " has " + std::to_string(images.size()) + " images; expected one");
    }
    return {(const char *)images.front().data(), images.front().number_of_elements()};
}

Halide::Module with_image(const Halide::Module &module, const std::string &image) {
    Halide::Module result(module.name(), module.target());
    result.set_any_strict_float(module.any_strict_float());
    for (const Halide::Buffer<> &buffer : module.buffers()) {
        if (!is_image(buffer)) {
            result.append(buffer);
            continue;
        }
        Halide::Buffer<uint8_t> replacement((int)image.size(), buffer.name());
        std::copy(image.begin(), image.end(), replacement.data());
        result.append(replacement);
    }
    for (Halide::Internal::LoweredFunc function : module.functions()) {
        function.body = ImageSize((int)image.size()).mutate(function.body);
        result.append(function);
    }
    return result;
}

int shared_bytes(const Halide::Module &module) {
    SharedBytes shared;
    for (const Halide::Internal::LoweredFunc &function : module.functions()) {
        function.body.accept(&shared);
    }
    return shared.bytes;
}

}  // namespace norma
