// SPDX-License-Identifier: MIT
#include "recorded_knobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "generators/codegen/device/device.h"
#include "generators/codegen/run_time.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/files.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void complain(const std::string &what) { fmt::print(stderr, "normagen: {}\n", what); }

const TargetFile *find_file(const std::vector<TargetFile> &targets, const std::string &name) {
    auto found = std::find_if(targets.begin(), targets.end(), [&](const TargetFile &t) { return t.spec.name == name; });
    return found == targets.end() ? nullptr : &*found;
}

json defaults(const TargetFile &target, const std::string &strategy) {
    KernelSpec spec;
    spec.target = target.spec;
    spec.knobs = target.spec.knobs.value(strategy, json::object());
    return all_knobs(spec);
}

// Why a record no longer holds: other sources, another Halide, other defaults. Empty where it does.
std::string stale(const Record &record, const TargetFile &target) {
    try {
        const Variant variant = parse_name(record.variant);
        if (record.halide != halide_version()) {
            return "measured with Halide " + record.halide + ", this is " + halide_version();
        }
        if (record.source != strategy_hash(record.strategy)) {
            return "the sources of its strategy have changed";
        }
        if (record.default_knobs != defaults(target, default_strategy(variant, target.spec).name)) {
            return "the target's own knobs have changed";
        }
        return "";
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
}

}  // namespace

std::vector<Record> current_records(const fs::path &directory, const std::vector<TargetFile> &targets) {
    std::vector<Record> records;
    std::map<std::string, int> skipped;
    for (const Record &record : read_records(directory, complain)) {
        const TargetFile *target = find_file(targets, record.target);
        if (target == nullptr) {
            continue;
        }
        if (const std::string why = stale(record, *target); why.empty()) {
            records.push_back(record);
        } else {
            skipped[why]++;
        }
    }
    for (const auto &[why, count] : skipped) {
        complain(
            fmt::format("{}: {} stale record{} skipped: {}; defaults are used instead, normagen tune makes new ones",
                        directory.string(), count, count == 1 ? "" : "s", why));
    }
    return records;
}

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

}  // namespace

RecordedKnobs::RecordedKnobs(const std::string &directory, const std::vector<TargetFile> &targets) : targets_(targets) {
    if (directory == "none") {
        return;
    }
    if (!fs::is_directory(directory)) {
        if (directory == NORMA_SOURCE_DIR "/schedules/records") {
            return;
        }
        throw InputError("--records is \"" + directory + "\"; expected a directory of records, or none");
    }
    records_ = current_records(directory, targets);
    for (const Group &group : find_winners(records_)) {
        groups_[{group.target, group.variant}] = group;
        families_.insert({{group.target, family(parse_name(group.variant))}, group});
    }
    for (const Group &group : find_winners(records_, true)) {
        tasks_.insert({{group.target, op_and_type(parse_name(group.variant))}, group});
    }
}

// Of any alignment: with the bits of the other, therefore its knobs.
const Group *RecordedKnobs::find(const std::string &target, Variant variant) const {
    variant.alignment = Alignment::natural;
    auto own = groups_.find({target, name(variant)});
    auto relative = families_.find({target, family(variant)});
    return own != groups_.end() ? &own->second : relative != families_.end() ? &relative->second : nullptr;
}

KernelSpec RecordedKnobs::with(KernelSpec spec, const Group &group) const {
    const Record *shown = nullptr;  // of the winner, else of any
    for (const Contender &contender : group.contenders) {
        for (const Record *record : contender.cells) {
            shown = shown == nullptr ? record : shown;
        }
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

KernelSpec RecordedKnobs::with_grain_size(KernelSpec spec) const {
    const char *const knob = "grain_size";
    for (const TargetFile *target = find_file(targets_, spec.target.name); target != nullptr;
         target = find_file(targets_, target->parent)) {
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

KernelSpec RecordedKnobs::apply(KernelSpec spec) const {
    for (const TargetFile *target = find_file(targets_, spec.target.name); target != nullptr;
         target = find_file(targets_, target->parent)) {
        if (const Group *group = find(target->spec.name, spec.variant)) {
            return with_grain_size(with(spec, *group));
        }
    }
    return with_grain_size(spec);
}

}  // namespace norma
