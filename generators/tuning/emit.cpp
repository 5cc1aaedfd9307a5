// SPDX-License-Identifier: MIT
#include "emit.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "generators/codegen/device/device.h"
#include "generators/codegen/lowered_hash.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/child.h"
#include "tools/base/digest.h"
#include "tools/base/files.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

// The same algorithm, in float64, for what every CPU of the architecture runs, whatever the kernel is for.
KernelSpec oracle_of(const KernelSpec &standard) {
    KernelSpec spec = standard;
    spec.strategy = "oracle";
    spec.knobs = nlohmann::json::object();
    const std::string &halide = standard.target.halide;
    spec.target.halide = halide.substr(0, halide.find('-', halide.find("linux")));
    spec.target.sms.clear();
    return spec;
}

// A job for each candidate and oracle, whichever kernel it is for: the first ones of all kernels before the others, so
// that a lack of time costs each the farthest from its default.
class Jobs {
public:
    explicit Jobs(const std::vector<Tuned> &tuned) {
        size_t most = 0;
        for (const Tuned &kernel : tuned) {
            add(oracle_of(kernel.standard));
            most = std::max(most, kernel.candidates.size());
        }
        for (size_t i = 0; i < most; i++) {
            for (const Tuned &kernel : tuned) {
                if (i < kernel.candidates.size()) {
                    add(kernel.candidates[i]);
                }
            }
        }
    }

    void run(const Cache &cache, const JobLimits &limits) { results_ = try_jobs(jobs_, cache, limits); }
    const Job &job(const KernelSpec &spec) const { return jobs_[index_.at(kernel_job(spec).key)]; }
    const JobResult &result(const KernelSpec &spec) const { return results_[index_.at(kernel_job(spec).key)]; }

private:
    void add(const KernelSpec &spec) {
        const Job job = kernel_job(spec);
        if (index_.emplace(job.key, jobs_.size()).second) {
            jobs_.push_back(job);
        }
    }

    std::vector<Job> jobs_;
    std::vector<JobResult> results_;
    std::map<std::string, size_t> index_;
};

class Writer {
public:
    Writer(const Jobs &jobs, const Cache &cache, const EmitOptions &options)
        : jobs_(jobs), cache_(cache), options_(options), scratch_(options.directory / "tmp") {}

    // Null where no time was left for its default.
    ordered_json kernel(const Tuned &tuned) {
        const KernelSpec &standard = tuned.standard, oracle = oracle_of(standard);
        for (const KernelSpec *needed : {&oracle, &standard}) {
            if (const JobResult &result = jobs_.result(*needed); !result.why.empty() && !result.late) {
                throw OutputError(result.why);
            }
        }
        if (jobs_.result(oracle).late || jobs_.result(standard).late) {
            late_ += (int)tuned.candidates.size() - 1;
            return nullptr;
        }
        const DeviceCodegen &device = device_of(standard.target);
        ordered_json text = {{"variant", name(standard.variant)},
                             {"target", standard.target.name},
                             {"lowered", jobs_.result(standard).hash},
                             {"default_knobs", all_knobs(standard)},
                             {"device", device_words.name(device.type)},
                             {"capability", device.capability(standard.target)},
                             {"shapes", tuned.shapes},
                             {"oracle", compiled(oracle)}};
        std::set<std::pair<std::string, nlohmann::json>> seen;  // code and run-time choices
        for (const KernelSpec &candidate : tuned.candidates) {
            const JobResult &result = jobs_.result(candidate);
            if (result.late) {
                late_++;
                continue;
            }
            if (result.why.empty() &&
                !seen.emplace(read_file(cache_.object(result.hash)), candidate.target.run_time).second) {
                same_++;
                continue;
            }
            ordered_json entry = {{"strategy", candidate.strategy},
                                  {"knobs", all_knobs(candidate)},
                                  {"promises", find_strategy(candidate.strategy).same_bits != nullptr}};
            if (result.why.empty()) {
                entry.update(compiled(candidate));
            } else {
                entry["why"] = result.why;
            }
            text["candidates"].push_back(entry);
        }
        return text;
    }
    int same() const { return same_; }
    int late() const { return late_; }

private:
    // What is there is taken where both files are those of the time when it was linked.
    void link(const fs::path &from, const fs::path &to) const {
        const fs::path seal = fs::path(to).replace_extension(".digests");
        const std::string before = fs::exists(seal) ? read_file(seal) : "";
        const std::string source = digest(read_file(from)) + " ";
        if (fs::exists(to) && before == source + digest(read_file(to))) {
            return;
        }
        const std::string made = scratch_ / "linked.so";
        run_program("link a candidate", {options_.linker, "-shared", "-o", made, from.string()});
        fs::rename(made, to);
        write_if_changed(seal, source + digest(read_file(to)));
    }

    ordered_json compiled(const KernelSpec &spec) const {
        const Job &job = jobs_.job(spec);
        const JobResult &result = jobs_.result(spec);
        const std::string object = "objects/" + job.key + ".so";
        if (result.why.empty()) {
            link(cache_.object(result.hash), options_.directory / object);
        }
        return {{"object", object},
                {"symbol", job.symbol},
                {"arguments", result.compiled.arguments},
                {"device", device_words.name(device_of(spec.target).type)}};
    }

    const Jobs &jobs_;
    const Cache &cache_;
    const EmitOptions &options_;
    const TemporaryDirectory scratch_;
    int same_ = 0, late_ = 0;
};

}  // namespace

void emit_candidates(const std::vector<Tuned> &tuned, const EmitOptions &options) {
    make_directory(options.directory / "objects");
    make_directory(options.directory / "cache");
    const Cache cache(options.directory / "cache");
    Jobs jobs(tuned);
    jobs.run(cache, options.limits);
    Writer writer(jobs, cache, options);
    ordered_json text = {{"schema", 1}, {"halide", halide_version()}, {"groups", ordered_json::array()}};
    size_t candidates = 0;
    for (const Tuned &kernel : tuned) {
        if (const ordered_json group = writer.kernel(kernel); !group.is_null()) {
            text["groups"].push_back(group);
            candidates += group["candidates"].size() - 1;
        }
    }
    write_if_changed(options.directory / "jobs.json", text.dump(1) + "\n");
    fmt::print(
        "{} kernels, {} candidates beside their defaults; {} left out whose code is that of another, {} for lack of "
        "time\n",
        text["groups"].size(), candidates, writer.same(), writer.late());
    fflush(stdout);
}

}  // namespace norma
