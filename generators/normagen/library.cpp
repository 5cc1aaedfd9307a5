// SPDX-License-Identifier: MIT
#include "library.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "generators/algorithms/algorithm.h"
#include "generators/codegen/device/device.h"
#include "registry_writer.h"
#include "schedules/strategies/cpu/strip_sum.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/json_file.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

Job runtime_job(const std::vector<TargetSpec> &targets) {
    // The hash of a kernel that depends on all that the runtime depends on.
    KernelSpec spec;
    spec.variant.op = op_infos[0].op;
    spec.strategy = "halide_runtime";
    for (const TargetSpec &target : targets) {
        spec.target.halide += target.halide + " ";
    }
    return {"halide_runtime", "halide_runtime", content_hash(spec), [targets](const std::string &path) {
                compile_halide_runtime(path, targets);
                return CompiledKernel{};
            }};
}

// Copied, not linked: a build sees the time of the change, and tools that edit objects in place spare the cache.
void place(const fs::path &cached, const fs::path &path) { write_if_changed(path, read_file(cached)); }

void remove_other_objects(const fs::path &directory, const std::set<fs::path> &wanted) {
    for (const fs::directory_entry &entry : fs::directory_iterator(directory)) {
        if (wanted.count(fs::path(entry.path()).replace_extension(".o")) == 0) {
            fs::remove(entry.path());
        }
    }
}

// As linkers and archivers read it: blanks, quotes and backslashes are escaped.
std::string response_line(const fs::path &path) {
    std::string line;
    for (char c : path.string()) {
        line += std::string(std::string(" \t\"'\\").find(c) == std::string::npos ? "" : "\\") + c;
    }
    return line + "\n";
}

// Those of the manifest, and what backward kernels need beside them, for each kind of device.
std::vector<Manifest::Entry> with_strip_sums(std::vector<Manifest::Entry> kernels) {
    for (size_t i = 0; i < device_codegen_count; i++) {
        const norma_device_type device = device_codegens[i]->type;
        const auto needs_sums = [&](const Manifest::Entry &entry) {
            return entry.device == device && is_backward(entry.variant);
        };
        if (std::none_of(kernels.begin(), kernels.end(), needs_sums)) {
            continue;
        }
        for (const DtypeInfo &type : dtype_infos) {
            if (is_float(type.dtype)) {
                kernels.push_back({strip_sum_variant(type.dtype), device});
            }
        }
    }
    return kernels;
}

void refuse_mix(const std::vector<TargetFile> &targets) {
    for (const TargetFile &target : targets) {
        if (architecture(target) != architecture(targets.front())) {
            throw InputError(fmt::format(
                "targets {} ({}) and {} ({}) are of two architectures; expected one, which a library is for",
                targets.front().spec.name, architecture(targets.front()), target.spec.name, architecture(target)));
        }
    }
}

}  // namespace

std::vector<TargetFile> select_targets(const std::string &text, const Manifest &manifest,
                                       const std::vector<TargetFile> &known) {
    std::set<std::string> names(manifest.targets.begin(), manifest.targets.end());
    for (const std::string &name : names) {
        find_target(known, name);
    }
    const bool host = text == "host";
    if (text != "all" && !host) {
        names.clear();
        for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
            end = std::min(text.find(',', begin), text.size());
            names.insert(find_target(known, text.substr(begin, end - begin)).spec.name);
        }
    }
    std::vector<TargetFile> selected;
    for (const TargetFile &target : known) {
        const DeviceCodegen &device = device_of(target.spec);
        const bool wanted = names.empty() ? architecture(target) == architecture_here() && device.by_default
                                          : names.count(target.spec.name) != 0;
        if (const std::string missing = device.missing(); wanted && !missing.empty()) {
            fmt::print(stderr, "normagen: {} is skipped: {}\n", target.spec.name, missing);
            continue;
        }
        if (wanted && (!host || runs_here(target))) {
            selected.push_back(target);
        }
    }
    if (host && selected.size() > 1) {
        selected.resize(1);
    }
    if (selected.empty()) {
        throw InputError("this machine runs none of the manifest's targets");
    }
    refuse_mix(selected);
    return selected;
}

Job kernel_job(const KernelSpec &spec) {
    return {fmt::format("{} for {}", name(spec.variant), spec.target.name), symbol(spec), content_hash(spec),
            [spec](const std::string &path) { return compile_kernel(spec, path); }};
}

KernelSpec default_spec(const Variant &variant, const TargetFile &target) {
    KernelSpec spec;
    spec.variant = variant;
    spec.target = target.spec;
    spec.strategy = default_strategy(variant, target.spec).name;
    spec.knobs = target.spec.knobs.value(spec.strategy, nlohmann::json::object());
    if (const std::string why = refusal(spec); !why.empty()) {
        throw InputError(fmt::format("{} for {}: {}", name(variant), target.spec.name, why));
    }
    return spec;
}

std::vector<KernelSpec> kernel_specs(const std::vector<Manifest::Entry> &kernels,
                                     const std::vector<TargetFile> &targets, const RecordedKnobs &records) {
    std::vector<KernelSpec> specs;
    for (const TargetFile &target : targets) {
        for (const Variant &variant : variants_for(kernels, device_of(target.spec).type)) {
            specs.push_back(records.apply(default_spec(variant, target)));
        }
    }
    return specs;
}

void compile_library(const Manifest &manifest, const std::vector<TargetFile> &target_files,
                     const RecordedKnobs &records, const fs::path &out, const fs::path &cache_directory,
                     const JobLimits &limits) {
    const std::vector<KernelSpec> specs = kernel_specs(with_strip_sums(manifest.kernels), target_files, records);
    std::vector<TargetSpec> targets;
    for (const TargetFile &target : target_files) {
        targets.push_back(target.spec);
    }
    std::vector<Job> jobs;
    std::transform(specs.begin(), specs.end(), std::back_inserter(jobs), kernel_job);
    jobs.push_back(runtime_job(targets));

    make_directory(out / "objects");
    make_directory(cache_directory);
    const Cache cache(cache_directory);
    const std::vector<CompiledKernel> compiled = run_jobs(jobs, cache, limits);

    std::vector<RegistryEntry> entries;
    std::set<fs::path> objects;
    std::string response;
    for (size_t i = 0; i < jobs.size(); i++) {
        const bool runtime = i == specs.size();
        const fs::path path = runtime ? out / "halide_runtime.o" : out / "objects" / (jobs[i].symbol + ".o");
        if (!objects.insert(path).second) {
            throw OutputError(fmt::format("{}: two kernels have this symbol", jobs[i].symbol));
        }
        place(cache.object(jobs[i].hash), path);
        if (!compiled[i].resources.empty()) {
            place(cache.ptx(jobs[i].hash), ptx_path(path.string()));
        }
        response += response_line(fs::absolute(path));
        if (!runtime) {
            entries.push_back({specs[i], compiled[i], jobs[i].hash});
        }
    }
    remove_other_objects(out / "objects", objects);
    write_if_changed(out / "objects.rsp", response);
    write_if_changed(out / "registry.cpp", registry_source(manifest.name, targets, entries));
    write_if_changed(out / "manifest.lock.json", lock_file(manifest.name, targets, entries));
}

}  // namespace norma
