// SPDX-License-Identifier: MIT
// normagen: compiles the kernels that a manifest asks for. docs/manifest.md describes it.
#include <fmt/format.h>

#include <Halide.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "generators/algorithms/algorithm.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/lowered_hash.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/bundle.h"
#include "generators/normagen/library.h"
#include "generators/normagen/resources.h"
#include "generators/normagen/schema.h"
#include "generators/tuning/tune.h"
#include "records_command.h"
#include "runtime/kernel_host/cpu/usable_cpus.h"
#include "schedules/strategies/cpu/strip_sum.h"
#include "tools/base/command_line.h"
#include "tools/base/data_directory.h"
#include "tools/base/json_file.h"
#include "tools/base/manual.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

struct Options {
    std::string manifest, target, out, cache, kernel, strategy, stage, file;
    std::string targets_directory = data_directory() / "schedules/targets";
    std::string records = data_directory() / "schedules/records";
    RecordedDevices devices;
    bool json = false, table = false;
    int sm = 0;
    BundleOptions bundle;
    JobLimits limits;
};

const std::map<std::string, Stage> stages = {{"object", Stage::object},
                                             {"stmt", Stage::stmt},
                                             {"assembly", Stage::assembly},
                                             {"llvm", Stage::llvm},
                                             {"ptx", Stage::ptx}};

const char target_option[] = "--target,--targets";
const char target_help[] = "target names with commas between, all (the manifest's), or host (the best for this CPU)";

// Empty: the user's own.
fs::path cache_of(const Options &options) {
    return !options.cache.empty() ? fs::path(options.cache)
           : !options.out.empty() ? fs::path(options.out) / "cache"
                                  : fs::path();
}

RecordedKnobs recorded_knobs(const Options &options, const std::vector<TargetFile> &known) {
    return {options.records, known, lowered_hashes(cache_of(options), options.limits), options.devices};
}

void list(const Options &options) {
    const Manifest manifest = read_manifest(options.manifest);
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    const std::vector<TargetFile> targets =
        select_targets(options.target.empty() ? "all" : options.target, manifest, known);
    const RecordedKnobs records = recorded_knobs(options, known);
    if (!options.json) {
        // Refuses what is not legal, without a look at records.
        target_kernels(manifest.kernels, targets, {"none", known, lowered_hashes(cache_of(options), options.limits)});
        const auto suffix = [](const DeviceCodegen &device, const char *word) {
            return device.by_default ? std::string() : fmt::format(" {} {}", word, device.name);
        };
        for (size_t i = 0; i < device_codegen_count; i++) {
            for (const Variant &variant : variants_for(manifest.kernels, device_codegens[i]->type)) {
                fmt::print("{}{}\n", name(variant), suffix(*device_codegens[i], "on"));
            }
        }
        for (size_t i = 0; i < device_codegen_count; i++) {
            const DeviceCodegen &device = *device_codegens[i];
            const size_t count = variants_for(manifest.kernels, device.type).size();
            if (device.by_default || count != 0) {
                fmt::print("{} kernels for each of {} targets{}\n", count,
                           std::count_if(targets.begin(), targets.end(),
                                         [&](const TargetFile &target) { return &device_of(target.spec) == &device; }),
                           suffix(device, "of"));
            }
        }
        return;
    }
    const std::vector<TargetKernel> kernels = target_kernels(manifest.kernels, targets, records);
    nlohmann::ordered_json text = {{"manifest", manifest.name}, {"count", kernels.size()}};
    for (const auto &[target, spec] : kernels) {
        text["kernels"].push_back({{"name", name(spec.variant)},
                                   {"target", target},
                                   {"symbol", symbol(spec)},
                                   {"strategy", spec.strategy},
                                   {"knobs", all_knobs(spec)},
                                   {"origin", spec.origin}});
    }
    fmt::print("{}\n", text.dump(1));
}

void list_targets(const Options &options) {
    nlohmann::ordered_json text = nlohmann::ordered_json::array();
    for (const TargetFile &target : read_targets(options.targets_directory)) {
        std::vector<std::string> dtypes;
        std::transform(target.dtypes.begin(), target.dtypes.end(), std::back_inserter(dtypes), dtype_name);
        text.push_back({{"name", target.spec.name},
                        {"parent", target.parent},
                        {"halide", target.spec.halide},
                        {"needs", target.needs},
                        {"features", target.features},
                        {"dtypes", dtypes},
                        {"knobs", target.spec.knobs},
                        {"run_time", target.spec.run_time},
                        {"runs_here", runs_here(target)}});
        if (!options.json) {
            const std::string what = dtypes.empty() ? "" : ", kernels of " + comma_separated(dtypes);
            fmt::print("{}{}{}\n    needs {}\n    {}\n", target.spec.name,
                       target.parent.empty() ? "" : ", on top of " + target.parent + what,
                       runs_here(target) ? "" : " (not on this machine)", one_line(target.needs), target.spec.halide);
        }
    }
    if (options.json) {
        fmt::print("{}\n", text.dump(1));
    }
}

// One kernel at one stage, to be looked at.
void compile_one(const Options &options) {
    Variant variant;
    try {
        variant = parse_name(options.kernel);
    } catch (const std::invalid_argument &error) {
        throw InputError(std::string("--kernel: ") + error.what());
    }
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    const std::vector<TargetFile> targets = select_targets(options.target, Manifest{}, known);
    if (targets.size() != 1) {
        throw InputError("--kernel is compiled for one --target");
    }
    const norma_device_type device = device_of(targets.front().spec).type;
    const KernelSpec spec =
        target_kernels({{variant, device, options.strategy}}, targets, recorded_knobs(options, known)).front().spec;
    const Stage stage = stages.at(options.stage);
    write_apart(
        fmt::format("{} for {}", name(variant), spec.target.name),
        [&](const std::string &path) { compile_kernel(spec, path, stage); }, options.file, options.limits);
}

void compile(const Options &options) {
    if (!options.kernel.empty()) {
        return compile_one(options);
    }
    const Manifest manifest = read_manifest(options.manifest);
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    compile_library(manifest, select_targets(options.target, manifest, known), recorded_knobs(options, known),
                    options.out, cache_of(options), options.limits);
}

void resources(const Options &options) {
    const Manifest manifest = read_manifest(options.manifest);
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    print_resources(manifest, select_targets(options.target, manifest, known), recorded_knobs(options, known),
                    options.cache, options.limits, options.sm);
}

void bundle(const Options &options) {
    const Manifest manifest = read_manifest(options.manifest);
    const std::vector<TargetFile> known = read_targets(options.targets_directory);
    const std::vector<TargetFile> targets =
        select_targets(options.target.empty() ? "all" : options.target, manifest, known);
    BundleOptions bundle = options.bundle;
    bundle.out = options.out;
    bundle.cache = options.cache;
    bundle.limits = options.limits;
    bundle_library(manifest, targets,
                   {options.records, known, lowered_hashes(options.cache, options.limits), options.devices}, bundle);
}

void add_limits(CLI::App &command, JobLimits &limits) {
    command.add_option("--jobs", limits.at_once, "processes at once")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command.add_option("--timeout", limits.seconds, "seconds for one kernel")
        ->check(CLI::Range(0.001, 86400.0))
        ->capture_default_str();
}

void add_bundle(CLI::App &command, Options &options) {
    command.add_option("--manifest", options.manifest)->required();
    command.add_option(target_option, options.target, target_help)->default_str("all");
    command.add_option("--out", options.out, "directory to write")->required();
    command.add_flag("--shared", options.bundle.shared, "with libnorma.so");
    command.add_option("--work", options.bundle.work,
                       "directory to build in, kept for the next time [a temporary one]");
    command.add_option("--cache", options.cache, "directory of compiled kernels [WORK/cache]");
    command.add_option("--toolchain", options.bundle.toolchain, "CMake's toolchain file, for another architecture")
        ->check(CLI::ExistingFile);
    add_limits(command, options.limits);
}

void add_commands(CLI::App &app, Options &options, std::function<void(const Options &)> &command) {
    auto add = [&](const char *name, const char *what, void (*run)(const Options &)) {
        CLI::App *sub = app.add_subcommand(name, what);
        sub->add_option("--target-files", options.targets_directory, "directory of the target files")
            ->capture_default_str();
        sub->add_option("--records", options.records, "directory of records that knobs are taken from, or none")
            ->capture_default_str();
        sub->add_option("--device", options.devices.names,
                        "whose records decide: here (this machine's, where there are any), all (that all devices agree "
                        "on), or how a device's name begins; may be repeated")
            ->allow_extra_args(false)
            ->default_str("here");
        sub->callback([&command, run] { command = run; });
        return sub;
    };
    CLI::App *list_command = add("list", "print the kernels that a manifest expands to", list);
    list_command->add_option("--manifest", options.manifest)->required();
    list_command->add_option(target_option, options.target, target_help);
    list_command->add_flag("--json", options.json);

    add("targets", "print the targets", list_targets)->add_flag("--json", options.json);

    CLI::App *compile_command = add("compile", "compile a manifest's kernels, or look at one", compile);
    compile_command->add_option(target_option, options.target, target_help)->required();
    auto *manifest = compile_command->add_option("--manifest", options.manifest);
    auto *out = compile_command->add_option("--out", options.out, "directory to write");
    auto *cache = compile_command->add_option("--cache", options.cache, "directory of compiled kernels [OUT/cache]");
    add_limits(*compile_command, options.limits);
    auto *kernel = compile_command->add_option("--kernel", options.kernel, "the name of one kernel");
    compile_command->add_option("--strategy", options.strategy, "of that kernel [the device's own]")->needs(kernel);
    auto *stage = compile_command->add_option("--stage", options.stage, "what to write of it: stmt, llvm, ...")
                      ->check(CLI::IsMember(stages));
    auto *file = compile_command->add_option("-o", options.file, "file to write");
    manifest->needs(out);
    out->needs(manifest);
    kernel->needs(stage, file)->excludes(manifest, cache, compile_command->get_option("--jobs"));
    stage->needs(kernel);
    file->needs(kernel);
    compile_command->callback([&, manifest, kernel] {
        if (manifest->empty() && kernel->empty()) {
            throw CLI::RequiredError("--manifest and --out, or --kernel, --stage and -o");
        }
        command = compile;
    });

    CLI::App *schema_command = app.add_subcommand("schema", "print the JSON schema of manifests");
    schema_command->add_flag("--table", options.table, "as a table in Markdown instead");
    schema_command->callback([&command] {
        command = [](const Options &o) { fmt::print("{}", o.table ? manifest_table() : manifest_schema()); };
    });

    CLI::App *resources_command = add("resources", "print what a manifest's CUDA kernels take of a GPU", resources);
    resources_command->add_option("--manifest", options.manifest)->required();
    resources_command->add_option(target_option, options.target, target_help)->required();
    resources_command->add_option("--cache", options.cache, "directory of compiled kernels")->required();
    resources_command->add_option("--sm", options.sm, "on this compute capability alone, as 90");
    add_limits(*resources_command, options.limits);

    add_bundle(*add("bundle", "make a library of a manifest, to install anywhere", bundle), options);

    auto other = [&command](CLI::App &sub, const std::function<void()> &run) {
        sub.callback([&command, run] { command = [run](const Options &) { run(); }; });
    };
    add_tune(app, other);
    add_worker(app, other);
    add_records(app, other, lowered_hashes("", options.limits));
}

int run(int argc, char **argv) {
    Options options;
    options.limits.at_once = usable_cpus();
    CLI::App app("Compiles the normalization kernels that a manifest asks for.", "normagen");
    app.set_version_flag("--version", fmt::format("normagen {}.{}.{}, Halide {}", NORMA_VERSION_MAJOR,
                                                  NORMA_VERSION_MINOR, NORMA_VERSION_PATCH, halide_version()));
    add_manual(app);
    app.require_subcommand(1);
    std::function<void(const Options &)> command;
    add_commands(app, options, command);
    return exit_status(app, [&] {
        check_subcommand(app, argc, argv);
        app.parse(argc, argv);
        try {
            command(options);
        } catch (const Halide::Error &error) {
            throw OutputError(error.what());
        }
    });
}

}  // namespace

}  // namespace norma

int main(int argc, char **argv) { return norma::run(argc, argv); }
