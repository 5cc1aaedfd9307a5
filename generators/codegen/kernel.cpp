// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <Halide.h>

#include <map>
#include <stdexcept>

#include "cuda_hints.h"
#include "cuda_module.h"
#include "device/device.h"
#include "generators/algorithms/algorithm.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/files.h"
#include "tools/base/text.h"

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

std::map<Halide::OutputFileType, std::string> output_file(const std::string &path, Stage stage) {
    switch (stage) {
        case Stage::stmt: return {{Halide::OutputFileType::stmt, path}};
        case Stage::assembly: return {{Halide::OutputFileType::assembly, path}};
        default: return {{Halide::OutputFileType::llvm_assembly, path}};
    }
}

}  // namespace

LoweredKernel lower_kernel(const KernelSpec &spec) try {
    if (std::string why = refusal(spec); !why.empty()) {
        throw std::runtime_error(symbol(spec) + ": " + why);
    }
    const Halide::Target target = halide_target(spec.target);
    Lowered lowered = find_strategy(spec.strategy).lower(spec.variant, spec.knobs, target);
    LoweredKernel kernel{lowered.pipeline.compile_to_module(lowered.inputs, symbol(spec), target), "", {}, {}};

    kernel.compiled.arguments.push_back("user_context");
    for (const Halide::Argument &input : lowered.inputs) {
        kernel.compiled.arguments.push_back(input.name);
    }
    for (const Halide::Func &output : lowered.pipeline.outputs()) {
        kernel.compiled.arguments.push_back(output.name());
    }
    kernel.compiled.workspace_per_element = lowered.workspace_per_element;
    if (is_cuda(spec.target)) {
        const std::string ptx = finish_ptx(image_of(kernel.module), lowered.threads);
        kernel.ptx = lowered.rows_once ? keep_rows_out_of_l1(ptx) : ptx;
        kernel.module = with_image(kernel.module, "");
        kernel.sms = spec.target.sms;
        kernel.compiled.alignment = lowered.alignment;
        kernel.compiled.threads = lowered.threads;
        kernel.compiled.shared_bytes = shared_bytes(kernel.module);
    }
    return kernel;
} catch (const Halide::Error &error) {
    throw std::runtime_error(symbol(spec) + ": " + error.what());
}

CompiledKernel compile_kernel(const KernelSpec &spec, const std::string &path, Stage stage) try {
    const LoweredKernel kernel = lower_kernel(spec);
    if (stage == Stage::object) {
        return emit_object(kernel, path);
    }
    if (stage == Stage::ptx) {
        write_if_changed(path, kernel.ptx);
    } else {
        with_image(kernel.module, kernel.ptx).compile(output_file(path, stage));
    }
    return kernel.compiled;
} catch (const Halide::Error &error) {
    throw std::runtime_error(symbol(spec) + ": " + error.what());
}

bool is_cuda(const TargetSpec &target) { return device_of(target).type == NORMA_CUDA; }

std::string symbol(const KernelSpec &spec) {
    return identifier("kernel_" + name(spec.variant) + "_" + spec.target.name);
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

}  // namespace norma
