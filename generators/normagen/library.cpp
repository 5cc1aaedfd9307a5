// SPDX-License-Identifier: MIT
#include "library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "build_digest.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/lowered_hash.h"
#include "registry_writer.h"
#include "schedules/strategies/cpu/strip_sum.h"
#include "tools/base/digest.h"
#include "tools/base/json_file.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

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
    for (size_t i = 0; i < manifest.targets.size(); i++) {
        find_target(known, manifest.targets[i], fmt::format("{}: targets[{}]", manifest.file, i));
    }
    const bool host = text == "host";
    if (text != "all" && !host) {
        names.clear();
        for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
            end = std::min(text.find(',', begin), text.size());
            names.insert(find_target(known, text.substr(begin, end - begin), "--target").spec.name);
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
    const TargetSpec &target = spec.target;
    const nlohmann::json made_from = {
        compiler_digest, name(spec.variant), spec.strategy, spec.knobs,
        target.name,     target.halide,      target.sms,    target.sms.empty() ? "" : cuda_toolkit_version()};
    const auto lower = [spec] {
        const auto kernel = std::make_shared<LoweredKernel>(lower_kernel(spec));
        return Unit{lowered_hash(*kernel), [kernel](const std::string &path) { return emit_object(*kernel, path); }};
    };
    return {fmt::format("{} for {}", name(spec.variant), target.name), symbol(spec), digest(made_from.dump()), lower};
}

std::vector<KernelSpec> kernel_specs(const std::vector<Manifest::Entry> &kernels,
                                     const std::vector<TargetFile> &targets, const RecordedKnobs &records) {
    std::vector<KernelSpec> specs;
    for (const TargetFile &target : targets) {
        for (const Variant &variant : variants_for(kernels, device_of(target.spec).type)) {
            specs.push_back(default_spec(variant, target));
        }
    }
    return records.apply(specs);
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

    make_directory(out / "objects");
    make_directory(cache_directory);
    const Cache cache(cache_directory);
    const std::vector<JobResult> results = run_jobs(jobs, cache, limits);

    std::vector<RegistryEntry> entries;
    std::set<fs::path> objects;
    std::string response;
    for (size_t i = 0; i < jobs.size(); i++) {
        const fs::path path = out / "objects" / (jobs[i].symbol + ".o");
        if (!objects.insert(path).second) {
            throw OutputError(fmt::format("{}: two kernels have this symbol", jobs[i].symbol));
        }
        place(cache.object(results[i].hash), path);
        if (!results[i].compiled.resources.empty()) {
            place(cache.ptx(results[i].hash), ptx_path(path.string()));
        }
        response += response_line(fs::absolute(path));
        entries.push_back({specs[i], results[i].compiled, results[i].hash});
    }
    remove_other_objects(out / "objects", objects);
    write_if_changed(out / "objects.rsp", response);
    const std::string lock = lock_file(manifest.name, targets, entries);
    write_if_changed(out / "registry.cpp", registry_source(manifest.name, targets, entries));
    write_if_changed(out / "library.h", library_header(manifest.name, lock));
    write_if_changed(out / "library.c", library_source(manifest.name, lock));
    write_if_changed(out / "manifest.lock.json", lock);
}

LoweredHashes lowered_hashes(const fs::path &cache_directory, const JobLimits &limits) {
    return [=](const std::vector<KernelSpec> &specs) {
        std::vector<Job> jobs;
        std::transform(specs.begin(), specs.end(), std::back_inserter(jobs), kernel_job);
        if (!jobs.empty()) {
            make_directory(cache_directory);
        }
        std::vector<std::string> hashes;
        for (const JobResult &result : lower_jobs(jobs, Cache(cache_directory), limits)) {
            hashes.push_back(result.hash);
        }
        return hashes;
    };
}

fs::path user_cache(const char *folder) {
    const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
    return cache && *cache ? fs::path(cache) / "norma" / folder
           : home && *home ? fs::path(home) / ".cache/norma" / folder
                           : fs::temp_directory_path() / (std::string("norma-") + folder);
}

}  // namespace norma
