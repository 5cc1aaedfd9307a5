// SPDX-License-Identifier: MIT
#include "recorded_knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
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

using Place = std::pair<std::string, std::string>;  // target and variant, its family, or its op and type of x

// Verdicts by what they are looked up by.
struct Verdicts {
    Verdicts(const std::vector<Record> &records) {
        for (const Group &group : find_agreed(records)) {
            kernels[{group.target, group.variant}] = group;
            families.insert({{group.target, family(parse_name(group.variant))}, group});
        }
        for (const Group &group : find_agreed(records, true)) {
            tasks.insert({{group.target, op_and_type(parse_name(group.variant))}, group});
        }
    }

    const Group *find(const std::string &target, const Variant &variant) const {
        const auto own = kernels.find({target, name(variant)}), relative = families.find({target, family(variant)});
        return own != kernels.end() ? &own->second : relative != families.end() ? &relative->second : nullptr;
    }

    std::map<Place, Group> kernels, families, tasks;  // of the latter two the first
};

// The variants whose records may speak for it, the nearest first. One of any alignment has the bits of the other,
// therefore its knobs; an exact hidden size is one of some class.
std::vector<Variant> speakers(Variant variant) {
    variant.alignment = Alignment::natural;
    std::vector<Variant> list = {variant};
    const int32_t exact = variant.hidden.exact;
    for (const HiddenName &known : hidden_names) {
        variant.hidden = known.hidden;
        if (exact != 0 && has_hidden(runs(variant), exact)) {
            list.push_back(variant);
        }
    }
    std::stable_sort(list.begin(), list.end(), [](const Variant &a, const Variant &b) {
        return specialization(a.hidden) > specialization(b.hidden);
    });
    return list;
}

// What the records of some kernels say: those of the chosen devices, and of all.
class Findings {
public:
    Findings(std::vector<Record> chosen, std::vector<Record> all, const std::vector<TargetFile> &targets)
        : targets_(targets),
          chosen_(std::move(chosen)),
          all_(std::move(all)),
          verdicts_{Verdicts(chosen_), Verdicts(all_)} {}

    // `foreign`: told of a winner that none of the chosen devices has decided.
    KernelSpec apply(const KernelSpec &spec, const std::function<void(const Group &)> &foreign) const {
        if (spec.strategy != default_strategy(spec.variant, spec.target).name) {
            return spec;  // a manifest's choice, which has no knobs
        }
        for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
             target = with_name(targets_, target->parent)) {
            for (const Variant &variant : speakers(spec.variant)) {
                for (const Verdicts &verdicts : verdicts_) {
                    if (const Group *group = verdicts.find(target->spec.name, variant)) {
                        if (&verdicts == &verdicts_[1] && group->has_winner()) {
                            foreign(*group);
                        }
                        return with_grain_size(with(spec, *group));
                    }
                }
            }
        }
        return with_grain_size(spec);
    }

private:
    KernelSpec with(KernelSpec spec, const Group &group) const;
    KernelSpec with_grain_size(KernelSpec spec) const;

    const std::vector<TargetFile> &targets_;
    std::vector<Record> chosen_, all_;
    std::array<Verdicts, 2> verdicts_;
};

KernelSpec Findings::with(KernelSpec spec, const Group &group) const {
    const Record *shown = nullptr;  // of the winner, else of any
    for (const Contender &contender : group.contenders) {
        shown = shown == nullptr ? &contender.record() : shown;
    }
    const std::string where = (group.target == spec.target.name ? "" : " of " + group.target) +
                              (group.variant == name(spec.variant) ? "" : " for " + group.variant);
    if (!group.has_winner()) {
        spec.origin = fmt::format("default, record {}{}: nothing measured was faster on {}", identity(*shown), where,
                                  devices_text(group));
        return spec;
    }
    const Record &record = group.winner();
    const json own = all_knobs(spec);
    const bool same_default =
        group.target == spec.target.name && parse_name(group.variant).hidden.exact == spec.variant.hidden.exact;
    json changed;
    for (const auto &[knob, value] : record.knobs.items()) {
        const json parents = record.default_knobs.value(knob, json());
        if (left_to_caches(spec.target.run_time, knob)) {
            continue;
        }
        if (same_default || (value != parents && own.value(knob, json()) == parents)) {
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
    if (tuned.strategy == spec.strategy && all_knobs(tuned) == own) {
        spec.origin = fmt::format("default: what won in record {}{} follows from the caches", identity(record), where);
        return spec;
    }
    tuned.origin = fmt::format("record {}{}: {:.3f} of the default's time ({}) on {}", identity(record), where,
                               group.contenders.front().score, record.date.substr(0, 10), devices_text(group));
    return tuned;
}

KernelSpec Findings::with_grain_size(KernelSpec spec) const {
    const char *const knob = "grain_size";
    for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
         target = with_name(targets_, target->parent)) {
        const Group *group = nullptr;
        for (const Verdicts &verdicts : verdicts_) {
            const auto found = verdicts.tasks.find({target->spec.name, op_and_type(spec.variant)});
            group = group != nullptr || found == verdicts.tasks.end() ? group : &found->second;
        }
        if (group == nullptr) {
            continue;
        }
        const bool same_default = target->spec.run_time.value(knob, json()) == spec.target.run_time.value(knob, json());
        if (group->has_winner() && same_default) {
            const Record &record = group->winner();
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
                             LoweredHashes lowered_hashes, RecordedDevices devices)
    : directory_(directory),
      devices_(std::move(devices)),
      targets_(targets),
      lowered_hashes_(std::move(lowered_hashes)) {
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
    devices_.check(records_);
}

std::vector<KernelSpec> RecordedKnobs::apply(const std::vector<KernelSpec> &specs) const {
    std::set<std::string> targets, kernels;
    for (const KernelSpec &spec : specs) {
        for (const TargetFile *target = with_name(targets_, spec.target.name); target != nullptr;
             target = with_name(targets_, target->parent)) {
            targets.insert(target->spec.name);
        }
        kernels.insert(op_and_type(spec.variant));
        for (const Variant &speaker : speakers(spec.variant)) {
            kernels.insert(family(speaker));
        }
    }
    // Others are of no use here: what they were made with need not be lowered.
    std::vector<Record> records, chosen;
    std::copy_if(records_.begin(), records_.end(), std::back_inserter(records),
                 [&](const Record &record) { return targets.count(record.target) != 0 && concerns(record, kernels); });
    records = current_records(records, targets_, lowered_hashes_, directory_);
    std::copy_if(records.begin(), records.end(), std::back_inserter(chosen),
                 [&](const Record &record) { return devices_.include(record); });
    const Findings findings(std::move(chosen), std::move(records), targets_);
    std::map<std::pair<std::string, std::string>, int> others;  // kernels by target and the devices of another vendor
    std::vector<KernelSpec> tuned;
    for (const KernelSpec &spec : specs) {
        tuned.push_back(findings.apply(spec, [&](const Group &group) {
            if (devices_.is_foreign(group) && runs_here(*with_name(targets_, spec.target.name))) {
                others[{spec.target.name, devices_text(group)}]++;
            }
        }));
    }
    for (const auto &[where, count] : others) {
        tell(
            fmt::format("knobs of {} kernel{} for {} were found on {}, of another vendor than this machine; "
                        "normagen tune --target {} measures here",
                        count, count == 1 ? "" : "s", where.first, where.second, where.first));
    }
    return tuned;
}

}  // namespace norma
