// SPDX-License-Identifier: MIT
#include "library.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "build_digest.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/lowered_hash.h"
#include "registry_writer.h"
#include "schedules/strategies/cpu/strip_sum.h"
#include "schedules/strategies/cuda/cuda_merge.h"
#include "tools/base/digest.h"
#include "tools/base/folder_lock.h"
#include "tools/base/json_file.h"
#include "tools/base/messages.h"
#include "tools/base/origins.h"
#include "tools/base/output_file.h"
#include "tools/base/private_folder.h"
#include "tools/base/text.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

// Copied, not linked: a build sees the time of the change, and tools that edit objects in place spare the cache.
void place(const fs::path &cached, const fs::path &path) { write_if_changed(path, read_file(cached)); }

[[noreturn]] void refuse_out(const fs::path &out, const std::string &why) {
    throw InputError(
        fmt::format("--out {} {}; expected a new or empty directory, or one that normagen wrote", out.string(), why));
}

// By its name, as symbol() makes it. A link leads to what is somebody's.
bool is_ours(const fs::directory_entry &object) {
    const fs::path name = object.path().filename();
    return fs::is_regular_file(object.symlink_status()) && name.string().rfind("kernel_", 0) == 0 &&
           (name.extension() == ".o" || name.extension() == ".ptx");
}

// A user's own files are neither removed nor overwritten. Of folders the cache alone may be there first.
void check_out(const fs::path &out) {
    if (!fs::exists(out)) {
        return;
    }
    if (!fs::is_directory(out)) {
        refuse_out(out, "is no directory");
    }
    for (const char *name :
         {"objects", "objects.rsp", "registry.cpp", "library.h", "library.c", "manifest.lock.json"}) {
        if (fs::is_symlink(out / name)) {
            refuse_out(out, fmt::format("has {}, a link", name));
        }
    }
    if (fs::exists(out / FolderLock::name) || fs::exists(out / "manifest.lock.json")) {
        return;
    }
    for (fs::recursive_directory_iterator entry(out), end; entry != end; ++entry) {
        if (entry.depth() == 0 && entry->path().filename() == "cache") {
            entry.disable_recursion_pending();
        } else if (!entry->is_directory()) {
            refuse_out(out, "has files, but no manifest.lock.json");
        }
    }
}

// With the folder locked: others that write there come and go. What was not finished is left of a killed program.
void check_objects(const fs::path &out) {
    for (const fs::directory_entry &entry : fs::directory_iterator(out / "objects")) {
        if (!is_ours(entry) && !is_unfinished(entry.path())) {
            refuse_out(out, "has " + entry.path().lexically_relative(out).string());
        }
    }
}

void remove_other_objects(const fs::path &directory, const std::set<fs::path> &wanted) {
    for (const fs::directory_entry &entry : fs::directory_iterator(directory)) {
        if (is_ours(entry) && wanted.count(fs::path(entry.path()).replace_extension(".o")) == 0) {
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

// Those of the manifest, and what kernels of backwards and of merged statistics need beside them, for each kind of
// device.
std::vector<Manifest::Entry> with_helpers(std::vector<Manifest::Entry> kernels) {
    for (size_t i = 0; i < device_codegen_count; i++) {
        const norma_device_type device = device_codegens[i]->type;
        const auto any = [&](const auto &is) {
            return std::any_of(kernels.begin(), kernels.end(), [&](const Manifest::Entry &entry) {
                return entry.device == device && is(entry.variant);
            });
        };
        const bool merges = any([](const Variant &variant) { return is_merged(variant); });
        const bool pairs =
            device_codegens[i]->sums_pairs && any([](const Variant &variant) {
                return is_backward(variant) && variant.weight != NORMA_NONE && variant.bias != NORMA_NONE;
            });
        if (any([](const Variant &variant) { return is_backward(variant); })) {
            for (const DtypeInfo &type : dtype_infos) {
                if (is_float(type.dtype)) {
                    kernels.push_back({strip_sum_variant(type.dtype), device, ""});
                    if (pairs) {
                        kernels.push_back({strip_sum_variant(type.dtype, type.dtype), device, ""});
                    }
                }
            }
        }
        if (merges && device_codegens[i]->merge) {
            kernels.push_back({merge_variant(), device, ""});
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
            tell(fmt::format("{} is skipped: {}", target.spec.name, missing));
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

std::vector<TargetKernel> target_kernels(const std::vector<Manifest::Entry> &kernels,
                                         const std::vector<TargetFile> &targets, const RecordedKnobs &records) {
    std::vector<std::string> names;
    std::vector<KernelSpec> specs;
    for (const TargetFile &target : targets) {
        for (const Manifest::Entry &entry : kernels) {
            if (entry.device == device_of(target.spec).type) {
                specs.push_back(default_spec(entry.variant, target, entry.strategy));
                names.push_back(target.spec.name);
            }
        }
    }
    specs = records.apply(specs);
    std::vector<TargetKernel> list;
    for (size_t i = 0; i < specs.size(); i++) {
        list.push_back({names[i], specs[i]});
    }
    return list;
}

void compile_library(const Manifest &manifest, const std::vector<TargetFile> &target_files,
                     const RecordedKnobs &records, const fs::path &out, const fs::path &cache_directory,
                     const JobLimits &limits) {
    check_out(out);
    const std::vector<TargetKernel> list = target_kernels(with_helpers(manifest.kernels), target_files, records);
    std::vector<TargetSpec> targets;
    for (const TargetFile &target : target_files) {
        targets.push_back(target.spec);
        std::vector<std::string> origins;
        for (const TargetKernel &kernel : list) {
            if (kernel.target == target.spec.name) {
                origins.push_back(kernel.spec.origin);
            }
        }
        fmt::print("normagen: knobs for {}: {}\n", target.spec.name, printable(origins_text(origins)));
    }
    std::vector<Job> jobs;
    std::map<std::string, size_t> job_of;  // by symbol: targets share what a parent has
    for (const TargetKernel &kernel : list) {
        const Job job = kernel_job(kernel.spec);
        const auto [entry, is_new] = job_of.emplace(job.symbol, jobs.size());
        if (is_new) {
            jobs.push_back(job);
        } else if (jobs[entry->second].key != job.key) {
            throw OutputError(fmt::format("{}: two kernels have this symbol", job.symbol));
        }
    }

    const FolderLock lock_of_out(out, "name another --out");
    make_directory(out / "objects");
    check_objects(out);
    make_directory(cache_directory);
    const Cache cache(cache_directory);
    const std::vector<JobResult> results = run_jobs(jobs, cache, limits);

    std::set<fs::path> objects;
    std::string response;
    for (size_t i = 0; i < jobs.size(); i++) {
        const fs::path path = out / "objects" / (jobs[i].symbol + ".o");
        objects.insert(path);
        place(cache.object(results[i].hash), path);
        if (!results[i].compiled.resources.empty()) {
            place(cache.ptx(results[i].hash), ptx_path(path.string()));
        }
        response += response_line(fs::absolute(path));
    }
    std::vector<RegistryEntry> entries;
    for (const TargetKernel &kernel : list) {
        const JobResult &result = results[job_of.at(symbol(kernel.spec))];
        entries.push_back({kernel.target, kernel.spec, result.compiled, result.hash});
    }
    remove_other_objects(out / "objects", objects);
    write_if_changed(out / "objects.rsp", response);
    const std::string lock = lock_file(manifest.name, targets, entries);
    write_if_changed(out / "registry.cpp", registry_source(manifest.name, targets, entries));
    write_if_changed(out / "library.h", library_header(manifest.name, lock));
    write_if_changed(out / "library.c", library_source(manifest.name, lock));
    write_if_changed(out / "manifest.lock.json", lock);
}

LoweredHashes lowered_hashes(const fs::path &named, const JobLimits &limits) {
    return [=](const std::vector<KernelSpec> &specs) {
        std::vector<std::string> hashes;
        if (specs.empty()) {
            return hashes;
        }
        std::vector<Job> jobs;
        std::transform(specs.begin(), specs.end(), std::back_inserter(jobs), kernel_job);
        const std::optional<UserCache> own = named.empty() ? std::make_optional<UserCache>("lowered") : std::nullopt;
        const fs::path cache = own ? own->path : named;
        make_directory(cache);
        for (const JobResult &result : lower_jobs(jobs, Cache(cache), limits)) {
            hashes.push_back(result.hash);
        }
        return hashes;
    };
}

}  // namespace norma
