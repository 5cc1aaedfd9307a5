// SPDX-License-Identifier: MIT
#include "recorded_knobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "../../schedules/strategies/strategies.h"
#include "files.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void complain(const std::string &what) { fmt::print(stderr, "normagen: {}\n", what); }

const TargetFile *find(const std::vector<TargetFile> &targets, const std::string &name) {
    auto found = std::find_if(targets.begin(), targets.end(), [&](const TargetFile &t) { return t.spec.name == name; });
    return found == targets.end() ? nullptr : &*found;
}

json defaults(const TargetFile &target, const std::string &strategy) {
    return target.spec.knobs.value(strategy, json::object());
}

}  // namespace

std::string stale(const Record &record, const std::vector<TargetFile> &targets) {
    const TargetFile *target = find(targets, record.target);
    if (target == nullptr) {
        return "the target is unknown";
    }
    try {
        const Variant variant = parse_name(record.variant);
        if (record.halide != halide_version()) {
            return "measured with Halide " + record.halide + ", this is " + halide_version();
        }
        if (record.source != strategy_hash(record.strategy, variant.op)) {
            return "the sources of its strategy have changed";
        }
        if (record.default_knobs !=
            defaults(*target, default_strategy(variant, Halide::Target(target->spec.halide)).name)) {
            return "the target's own knobs have changed";
        }
        return "";
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
}

std::vector<Record> current_records(const fs::path &directory, const std::vector<TargetFile> &targets) {
    std::vector<Record> records;
    std::map<std::string, int> skipped;
    for (const Record &record : read_records(directory, complain)) {
        if (const std::string why = stale(record, targets); why.empty()) {
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
    }
}

KernelSpec RecordedKnobs::with(KernelSpec spec, const Group &group) const {
    const Record *shown = nullptr;  // of the winner, else of any
    for (const Contender &contender : group.contenders) {
        for (const Record *record : contender.cells) {
            shown = shown == nullptr ? record : shown;
        }
    }
    const std::string where = group.target == spec.target.name ? "" : " of " + group.target;
    if (!group.has_winner()) {
        spec.origin = fmt::format("default, record {}{}: nothing measured was faster", identity(*shown), where);
        return spec;
    }
    const Record &record = group.winner();
    const json own = spec.knobs;
    KernelSpec tuned = spec;
    tuned.strategy = record.strategy;
    for (const auto &[knob, value] : record.knobs.items()) {
        const json parents = record.default_knobs.value(knob, json());
        if (group.target == spec.target.name || (value != parents && own.value(knob, json()) == parents)) {
            tuned.knobs[knob] = value;
        }
    }
    if (const std::string why = refusal(tuned); !why.empty()) {
        spec.origin = fmt::format("default: record {}{} is not legal here, {}", identity(record), where, why);
        return spec;
    }
    tuned.origin = fmt::format("record {}{}: {:.3f} of the default's time, {} {}", identity(record), where,
                               group.contenders.front().score, record.device.value("cpu", "an unknown device"),
                               record.date.substr(0, 10));
    return tuned;
}

KernelSpec RecordedKnobs::apply(KernelSpec spec) const {
    for (const TargetFile *target = find(targets_, spec.target.name); target != nullptr;
         target = find(targets_, target->parent)) {
        auto found = groups_.find({target->spec.name, name(spec.variant)});
        if (found != groups_.end()) {
            return with(spec, found->second);
        }
    }
    return spec;
}

}  // namespace norma
