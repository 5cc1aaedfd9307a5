// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <Halide.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "cuda_hints.h"
#include "device/device.h"
#include "generators/algorithms/algorithm.h"
#include "schedules/strategies/strategies.h"
#include "source_hashes.h"
#include "tools/base/digest.h"

namespace norma {

namespace {

// Strict floating point keeps LLVM from contracting or reordering, which it would do differently in main loops and
// tails. The dispatcher has checked everything that Halide's assertions would check again; they are two thirds of a
// kernel's code.
Halide::Target halide_target(const TargetSpec &target) {
    return Halide::Target(target.halide)
        .with_feature(Halide::Target::NoRuntime)
        .with_feature(Halide::Target::UserContext)
        .with_feature(Halide::Target::StrictFloat)
        .with_feature(Halide::Target::NoAsserts)
        .with_feature(Halide::Target::NoBoundsQuery);
}

using MakeImage = std::function<std::string(const std::string &ptx)>;

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

// The most memory that a launch asks for a block to share.
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

// The same module with another image in place of the PTX.
Halide::Module with_image(const Halide::Module &module, const MakeImage &make_image) {
    Halide::Module result(module.name(), module.target());
    result.set_any_strict_float(module.any_strict_float());
    int images = 0, bytes = 0;
    for (const Halide::Buffer<> &buffer : module.buffers()) {
        if (buffer.name().find("cuda_gpu_source_kernels") == std::string::npos) {
            result.append(buffer);
            continue;
        }
        const Halide::Buffer<uint8_t> text(buffer);
        const std::string image = make_image(std::string((const char *)text.data(), text.number_of_elements()));
        Halide::Buffer<uint8_t> replacement((int)image.size(), buffer.name());
        std::copy(image.begin(), image.end(), replacement.data());
        result.append(replacement);
        bytes = (int)image.size();
        images++;
    }
    if (images != 1) {
        throw std::logic_error(module.name() + " has " + std::to_string(images) + " images; expected one");
    }
    for (Halide::Internal::LoweredFunc function : module.functions()) {
        function.body = ImageSize(bytes).mutate(function.body);
        result.append(function);
    }
    return result;
}

std::map<Halide::OutputFileType, std::string> output_file(const std::string &path, Stage stage) {
    switch (stage) {
        case Stage::stmt: return {{Halide::OutputFileType::stmt, path}};
        case Stage::assembly: return {{Halide::OutputFileType::assembly, path}};
        case Stage::llvm: return {{Halide::OutputFileType::llvm_assembly, path}};
        default: return {{Halide::OutputFileType::object, path}};
    }
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

// What the names of a strategy's sources begin with.
std::string sources_of(const std::string &strategy) {
    const std::string directory = "schedules/strategies/";
    const bool has_its_own = std::any_of(std::begin(source_hashes), std::end(source_hashes), [&](const auto &source) {
        return begins(source.first, directory + "cpu/" + strategy);
    });
    return directory + (begins(strategy, "cuda_") ? "cuda/" : has_its_own ? "cpu/" + strategy : "plain");
}

bool is_for_cuda(const std::string &strategy) { return begins(strategy, "cuda_") || strategy == "anderson2021"; }

// Whether the source may change the bytes of the op's kernels, where the strategy lowers it.
bool decides(std::string_view source, const std::string &strategy) {
    const bool of_cuda = source.find("cuda") != source.npos;
    if (begins(source, "generators/normagen/") || source.find("_search_space.") != source.npos ||
        (of_cuda && !is_for_cuda(strategy))) {
        return false;
    }
    if (begins(source, "schedules/strategies/")) {
        return begins(source, sources_of(strategy)) || begins(source, "schedules/strategies/strategies.");
    }
    return true;
}

std::string hex_digest(const std::string &text) {
    char hex[17];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)digest(text));
    return hex;
}

}  // namespace

CompiledKernel compile_kernel(const KernelSpec &spec, const std::string &path, Stage stage) try {
    if (std::string why = refusal(spec); !why.empty()) {
        throw std::runtime_error(symbol(spec) + ": " + why);
    }
    const Halide::Target target = halide_target(spec.target);
    Lowered lowered = find_strategy(spec.strategy).lower(spec.variant, spec.knobs, target);

    CompiledKernel compiled;
    compiled.arguments.push_back("user_context");
    for (const Halide::Argument &input : lowered.inputs) {
        compiled.arguments.push_back(input.name);
    }
    for (const Halide::Func &output : lowered.pipeline.outputs()) {
        compiled.arguments.push_back(output.name());
    }
    compiled.workspace_per_element = lowered.workspace_per_element;
    if (!is_cuda(spec.target) || (stage != Stage::object && stage != Stage::ptx)) {
        lowered.pipeline.compile_to(output_file(path, stage), lowered.inputs, symbol(spec), target);
        return compiled;
    }
    compiled.alignment = lowered.alignment;
    compiled.threads = lowered.threads;
    CudaImage image;
    Halide::Module module = with_image(lowered.pipeline.compile_to_module(lowered.inputs, symbol(spec), target),
                                       [&](const std::string &text) {
                                           const std::string ptx = finish_ptx(text, lowered.threads);
                                           image = make_cuda_image(lowered.rows_once ? keep_rows_out_of_l1(ptx) : ptx,
                                                                   lowered.threads, spec.target.sms, path);
                                           return image.fatbin;
                                       });
    SharedBytes shared;
    for (const Halide::Internal::LoweredFunc &function : module.functions()) {
        function.body.accept(&shared);
    }
    compiled.shared_bytes = shared.bytes;
    std::ofstream(stage == Stage::ptx ? path : ptx_path(path)) << image.ptx;
    if (stage == Stage::object) {
        module.compile(output_file(path, stage));
    }
    compiled.resources = image.resources;
    return compiled;
} catch (const Halide::Error &error) {
    throw std::runtime_error(symbol(spec) + ": " + error.what());
}

bool is_cuda(const TargetSpec &target) { return device_of(target).type == NORMA_CUDA; }

std::string ptx_path(const std::string &object_path) { return object_path.substr(0, object_path.rfind('.')) + ".ptx"; }

void compile_halide_runtime(const std::string &path, const std::vector<TargetSpec> &targets) {
    // Only what all targets share: the runtime itself asks the CPU before it uses more. Norma has its own for CUDA.
    Halide::Target target = halide_target(targets.front());
    target.set_features({Halide::Target::CUDA, Halide::Target::CUDACapability80}, false);
    for (const TargetSpec &other : targets) {
        for (int feature = 0; feature < Halide::Target::FeatureEnd; feature++) {
            if (!Halide::Target(other.halide).has_feature((Halide::Target::Feature)feature)) {
                target.set_feature((Halide::Target::Feature)feature, false);
            }
        }
    }
    try {
        Halide::compile_standalone_runtime(path, target);
    } catch (const Halide::Error &error) {
        throw std::runtime_error(std::string("halide_runtime: ") + error.what());
    }
}

std::string symbol(const KernelSpec &spec) {
    std::string text = "kernel_" + name(spec.variant) + "_" + spec.target.name;
    for (char &c : text) {
        if (!std::isalnum((unsigned char)c)) {
            c = '_';
        }
    }
    return text;
}

std::string refusal(const KernelSpec &spec) {
    if (std::string why = refusal(spec.variant); !why.empty()) {
        return why;
    }
    const DeviceCodegen &device = device_of(spec.target);
    if (spec.variant.alignment == Alignment::any && !device.chooses_alignment) {
        return "alignment is any, which is for CUDA: kernels for " + std::string(device.name) + " have no other";
    }
    try {
        const Strategy &strategy = find_strategy(spec.strategy);
        if (strategy.device != device.type) {
            return spec.strategy + " is for " + device_codegen(strategy.device).name;
        }
        return strategy.refusal(spec.variant, spec.knobs, halide_target(spec.target));
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
}

std::string halide_version() {
    return std::to_string(HALIDE_VERSION_MAJOR) + "." + std::to_string(HALIDE_VERSION_MINOR) + "." +
           std::to_string(HALIDE_VERSION_PATCH);
}

std::string strategy_hash(const std::string &strategy) {
    std::string text;
    for (const auto &[source, hash] : source_hashes) {
        bool of_no_code = false;
        for (const char *list :
             {"generators/codegen/kernel.", "generators/algorithms/ops.", "schedules/strategies/strategies."}) {
            of_no_code |= begins(source, list);
        }
        if (decides(source, strategy) && !of_no_code) {
            text += hash;
        }
    }
    return hex_digest(text);
}

std::string content_hash(const KernelSpec &spec) {
    std::string text = symbol(spec) + spec.target.halide + spec.strategy + spec.knobs.dump() + halide_version();
    if (!spec.target.sms.empty()) {
        for (int sm : spec.target.sms) {
            text += " sm_" + std::to_string(sm);
        }
        text += cuda_toolkit_version();
    }
    for (const auto &[source, hash] : source_hashes) {
        if (decides(source, spec.strategy)) {
            text += hash;
        }
    }
    return hex_digest(text);
}

}  // namespace norma
