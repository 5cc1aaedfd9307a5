// SPDX-License-Identifier: MIT
#include "current_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "generators/codegen/lowered_hash.h"
#include "generators/codegen/run_time.h"
#include "tools/base/files.h"

namespace norma {

namespace {

using Where = std::pair<std::string, std::string>;  // target and variant

Where where(const Record &record) { return {record.target, record.variant}; }

// The default kernel of a record, as it is today, or why the record does not hold whatever it is compiled to.
struct Today {
    KernelSpec spec;
    std::string why, lowered;
};

Today today(const Record &record, const TargetFile &target) {
    Today result;
    try {
        result.spec = default_spec(parse_name(record.variant), target);
    } catch (const std::exception &error) {
        result.why = error.what();
    }
    return result;
}

std::string stale(const Record &record, const Today &today) {
    if (!today.why.empty()) {
        return today.why;
    }
    if (record.halide != halide_version()) {
        return "measured with Halide " + record.halide + ", this is " + halide_version();
    }
    if (record.default_knobs != all_knobs(today.spec)) {
        return "the target's own knobs have changed";
    }
    return record.lowered == today.lowered ? "" : "the code of its default has changed";
}

std::map<Where, Today> defaults_of(const std::vector<Record> &records, const std::vector<TargetFile> &targets,
                                   const LoweredHashes &lowered_hashes) {
    std::map<Where, Today> defaults;
    for (const Record &record : records) {
        const TargetFile *target = with_name(targets, record.target);
        if (target != nullptr && can_judge(*target) && defaults.count(where(record)) == 0) {
            defaults[where(record)] = today(record, *target);
        }
    }
    std::vector<KernelSpec> specs;
    for (const auto &[place, kernel] : defaults) {
        if (kernel.why.empty()) {
            specs.push_back(kernel.spec);
        }
    }
    const std::vector<std::string> hashes = lowered_hashes(specs);
    auto hash = hashes.begin();
    for (auto &[place, kernel] : defaults) {
        if (kernel.why.empty()) {
            kernel.lowered = *hash++;
        }
    }
    return defaults;
}

}  // namespace

bool can_judge(const TargetFile &target) { return !is_cuda(target.spec) || !cuda_toolkit().empty(); }

std::vector<Record> current_records(const std::vector<Record> &records, const std::vector<TargetFile> &targets,
                                    const LoweredHashes &lowered_hashes, const std::string &directory) {
    const std::map<Where, Today> defaults = defaults_of(records, targets, lowered_hashes);
    std::vector<Record> kept;
    std::map<std::string, int> skipped;
    for (const Record &record : records) {
        const auto found = defaults.find(where(record));
        if (found == defaults.end()) {
            continue;
        }
        if (const std::string why = stale(record, found->second); why.empty()) {
            kept.push_back(record);
        } else {
            skipped[why]++;
        }
    }
    for (const auto &[why, count] : skipped) {
        fmt::print(
            stderr,
            "normagen: {}: {} stale record{} skipped: {}; defaults are used instead, normagen tune makes new ones\n",
            directory, count, count == 1 ? "" : "s", why);
    }
    return kept;
}

}  // namespace norma
