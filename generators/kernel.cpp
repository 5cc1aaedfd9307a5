// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <Halide.h>

#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "../schedules/strategies/strategies.h"
#include "digest.h"
#include "ops.h"
#include "source_hashes.h"

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
        case Stage::llvm: return {{Halide::OutputFileType::llvm_assembly, path}};
        default: return {{Halide::OutputFileType::object, path}};
    }
}

// Whether the source may change the bytes of the op's kernels.
bool decides(std::string_view source, const std::string &op) {
    if (source.find("generators/normagen/") == 0) {
        return false;
    }
    bool algorithm = false, of_op = false;
    for (const Op &known : ops()) {
        algorithm |= known.source == source;
        of_op |= known.source == source && known.name == op;
    }
    return !algorithm || of_op;
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
    lowered.pipeline.compile_to(output_file(path, stage), lowered.inputs, symbol(spec), target);
    return compiled;
} catch (const Halide::Error &error) {
    throw std::runtime_error(symbol(spec) + ": " + error.what());
}

void compile_halide_runtime(const std::string &path, const std::vector<TargetSpec> &targets) {
    // Only what all targets share: the runtime itself asks the CPU before it uses more.
    Halide::Target target = halide_target(targets.front());
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
    try {
        return find_strategy(spec.strategy).refusal(spec.variant, spec.knobs, halide_target(spec.target));
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
}

std::string halide_version() {
    return std::to_string(HALIDE_VERSION_MAJOR) + "." + std::to_string(HALIDE_VERSION_MINOR) + "." +
           std::to_string(HALIDE_VERSION_PATCH);
}

std::string strategy_hash(const std::string &strategy, const std::string &op) {
    std::string text;
    auto begins = [](std::string_view source, std::string_view with) { return source.find(with) == 0; };
    const std::string strategies = "schedules/strategies/", own = strategies + strategy;
    for (const auto &[source, hash] : source_hashes) {
        const bool of_other_strategy = begins(source, strategies) && !begins(source, own);
        const bool of_no_code = source.find("_tried.") != source.npos || begins(source, "generators/kernel.") ||
                                begins(source, "generators/variant.") || begins(source, "generators/ops.");
        if (decides(source, op) && !of_other_strategy && !of_no_code) {
            text += hash;
        }
    }
    return hex_digest(text);
}

std::string content_hash(const KernelSpec &spec) {
    std::string text = symbol(spec) + spec.target.halide + spec.strategy + spec.knobs.dump() + halide_version();
    for (const auto &[source, hash] : source_hashes) {
        if (decides(source, spec.variant.op)) {
            text += hash;
        }
    }
    return hex_digest(text);
}

}  // namespace norma
