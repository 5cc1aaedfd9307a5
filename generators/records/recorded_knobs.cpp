// SPDX-License-Identifier: MIT
#include "recorded_knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "generators/codegen/device/device.h"
#include "generators/codegen/run_time.h"
#include "tools/base/data_directory.h"
#include "tools/base/files.h"
#include "tools/base/messages.h"
#include "winners.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

std::string family(Variant variant) {
    variant.weight = variant.bias = NORMA_NONE;
    variant.contract = NORMA_FP32_ONCE;
    variant.alignment = Alignment::natural;
    return name(variant);
}

namespace {

// How long an element takes, and so how many are worth a thread, depends on these more than on the rest.
std::string op_and_type(const Variant &variant) {
    return std::string(op_name(variant.op)) + " " + dtype_name(variant.x);
}

// What the records of some kernels say.
class Findings {
public:
    Findings(std::vector<Record> records, const std::vector<TargetFile> &targets)
        : targets_(targets), records_(std::move(records)) {
        for (const Group &group : find_winners(records_)) {
            groups_[{group.target, group.variant}] = group;
            families_.insert({{group.target, family(parse_name(group.variant))}, group});
        }
        for (const Group &group : find_winners(records_, true)) {
            tasks_.insert({{group.target, op_and_type(parse_name(group.variant))}, group});
        }
    }

    KernelSpec apply(const KernelSpec &spec) const {
        for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
             target = with_name(targets_, target->parent)) {
            if (const Group *group = find(target->spec.name, spec.variant)) {
                return with_grain_size(with(spec, *group));
            }
        }
        return with_grain_size(spec);
    }

private:
    const Group *find(const std::string &target, Variant variant) const;
    KernelSpec with(KernelSpec spec, const Group &group) const;
    KernelSpec with_grain_size(KernelSpec spec) const;

    const std::vector<TargetFile> &targets_;
    std::vector<Record> records_;
    std::map<std::pair<std::string, std::string>, Group> groups_;    // by target and variant
    std::map<std::pair<std::string, std::string>, Group> tasks_;     // by target, op and type of x
    std::map<std::pair<std::string, std::string>, Group> families_;  // the first of each, by target and family
};

// Of any alignment: with the bits of the other, therefore its knobs.
const Group *Findings::find(const std::string &target, Variant variant) const {
    variant.alignment = Alignment::natural;
    auto own = groups_.find({target, name(variant)});
    auto relative = families_.find({target, family(variant)});
    return own != groups_.end() ? &own->second : relative != families_.end() ? &relative->second : nullptr;
}

KernelSpec Findings::with(KernelSpec spec, const Group &group) const {
    const Record *shown = nullptr;  // of the winner, else of any
    for (const Contender &contender : group.contenders) {
        shown = shown == nullptr ? &contender.record() : shown;
    }
    const std::string where = (group.target == spec.target.name ? "" : " of " + group.target) +
                              (group.variant == name(spec.variant) ? "" : " for " + group.variant);
    if (!group.has_winner()) {
        spec.origin = fmt::format("default, record {}{}: nothing measured was faster", identity(*shown), where);
        return spec;
    }
    const Record &record = group.winner();
    const json own = all_knobs(spec);
    json changed;
    for (const auto &[knob, value] : record.knobs.items()) {
        const json parents = record.default_knobs.value(knob, json());
        if (group.target == spec.target.name || (value != parents && own.value(knob, json()) == parents)) {
            changed[knob] = value;
        }
    }
    KernelSpec tuned = spec;
    tuned.strategy = record.strategy;
    std::string why;
    try {
        tuned = with_knobs(tuned, changed);
        why = refusal(tuned);
    } catch (const std::invalid_argument &error) {
        why = error.what();
    }
    if (!why.empty()) {
        spec.origin = fmt::format("default: record {}{} is not legal here, {}", identity(record), where, why);
        return spec;
    }
    tuned.origin = fmt::format("record {}{}: {:.3f} of the default's time, {} {}", identity(record), where,
                               group.contenders.front().score, device_name(record), record.date.substr(0, 10));
    return tuned;
}

KernelSpec Findings::with_grain_size(KernelSpec spec) const {
    const char *const knob = "grain_size";
    for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
         target = with_name(targets_, target->parent)) {
        const auto found = tasks_.find({target->spec.name, op_and_type(spec.variant)});
        if (found == tasks_.end()) {
            continue;
        }
        const bool same_default = target->spec.run_time.value(knob, json()) == spec.target.run_time.value(knob, json());
        if (found->second.has_winner() && same_default) {
            const Record &record = found->second.winner();
            spec.target.run_time[knob] = record.knobs.at(knob);
            spec.origin +=
                fmt::format("; {} elements a thread, record {}{}", record.knobs.at(knob).get<int64_t>(),
                            identity(record), record.variant == name(spec.variant) ? "" : " for " + record.variant);
        }
        break;
    }
    return spec;
}

// Whether it may say something of kernels of these families, ops and types.
bool concerns(const Record &record, const std::set<std::string> &kernels) {
    try {
        const Variant variant = parse_name(record.variant);
        return kernels.count(record.threads > 1 ? op_and_type(variant) : family(variant)) != 0;
    } catch (const std::invalid_argument &) {
        return true;  // and is said to be stale
    }
}

}  // namespace

RecordedKnobs::RecordedKnobs(const std::string &directory, const std::vector<TargetFile> &targets,
                             LoweredHashes lowered_hashes)
    : directory_(directory), targets_(targets), lowered_hashes_(std::move(lowered_hashes)) {
    if (directory == "none") {
        return;
    }
    if (!fs::is_directory(directory)) {
        if (directory == data_directory() / "schedules/records") {
            return;
        }
        throw InputError("--records is \"" + directory + "\"; expected a directory of records, or none");
    }
    records_ = read_records(directory, tell);
}

std::vector<KernelSpec> RecordedKnobs::apply(const std::vector<KernelSpec> &specs) const {
    std::set<std::string> targets, kernels;
    for (const KernelSpec &spec : specs) {
        for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
             target = with_name(targets_, target->parent)) {
            targets.insert(target->spec.name);
        }
        kernels.insert({family(spec.variant), op_and_type(spec.variant)});
    }
    // Others are of no use here: what they were made with need not be lowered.
    std::vector<Record> records;
    std::copy_if(records_.begin(), records_.end(), std::back_inserter(records),
                 [&](const Record &record) { return targets.count(record.target) != 0 && concerns(record, kernels); });
    const Findings findings(current_records(records, targets_, lowered_hashes_, directory_), targets_);
    std::vector<KernelSpec> tuned;
    std::transform(specs.begin(), specs.end(), std::back_inserter(tuned),
                   [&](const KernelSpec &spec) { return findings.apply(spec); });
    return tuned;
}

}  // namespace norma
