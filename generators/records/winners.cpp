// SPDX-License-Identifier: MIT
#include "winners.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace norma {

namespace {

constexpr double tie = 1.005;

std::string cell(const Record &record) {
    return bucket(record) + (record.threads > 1 ? fmt::format(" on {} threads", record.threads) : "") + " on " +
           device_text(record);
}

int differing_knobs(const Record &record) {
    int count = 0;
    for (const auto &[name, value] : record.knobs.items()) {
        count += record.default_knobs.value(name, nlohmann::json()) != value;
    }
    return count;
}

// Over its cells, of a group with these.
void judge(Contender &contender, const Group &group) {
    double sum = 0;
    bool faster = false;
    const Record *slower = nullptr, *failed = nullptr;
    std::set<std::string> missing = group.devices;
    for (const auto &[cell, record] : contender.cells) {
        missing.erase(device_text(*record));
        if (!record->ok()) {
            failed = record;
            continue;
        }
        sum += std::log(record->ratio());
        faster |= record->is_faster();
        const bool clearly = record->low > record->default_high && record->ratio() > 1 + record->noise();
        slower = clearly ? record : slower;
    }
    contender.score = failed ? HUGE_VAL : std::exp(sum / (double)group.cells.size());
    contender.differs = differing_knobs(contender.record());
    contender.why_not = failed                           ? "failed at " + bucket(*failed) + ": " + failed->why
                        : !contender.record().promises   ? "its strategy does not keep docs/numerics.md"
                        : !missing.empty()               ? "not measured on " + *missing.begin()
                        : slower                         ? "slower than the default at " + bucket(*slower)
                        : !faster || contender.score > 1 ? "not faster than the default beyond the intervals"
                                                         : "";
}

std::vector<Group> judged(const std::vector<Record> &records, bool on_threads, bool together) {
    // The latest of each trial counts.
    std::map<std::string, const Record *> latest;
    for (const Record &record : records) {
        if (record.final && (record.threads > 1) == on_threads) {
            const Record *&known = latest[key(record)];
            known = known == nullptr || known->date <= record.date ? &record : known;
        }
    }
    using Names = std::map<std::string, std::map<std::string, const Record *>>;  // candidate, cell
    std::map<std::array<std::string, 3>, Names> groups;                          // device, target, variant
    for (const auto &[text, record] : latest) {
        const std::string device = together ? "" : device_text(*record);
        groups[{device, record->target, record->variant}][candidate(*record)][cell(*record)] = record;
    }
    std::vector<Group> list;
    for (const auto &[where, names] : groups) {
        Group group;
        group.target = where[1];
        group.variant = where[2];
        std::map<std::string, size_t> cells;
        for (const auto &[name, of_cell] : names) {
            for (const auto &[cell, record] : of_cell) {
                cells.emplace(cell, 0);
                group.devices.insert(device_text(*record));
            }
        }
        for (auto &[cell, index] : cells) {
            index = group.cells.size();
            group.cells.push_back(cell);
        }
        double least = HUGE_VAL;
        for (const auto &[name, of_cell] : names) {
            Contender contender;
            contender.name = name;
            for (const auto &[cell, record] : of_cell) {
                contender.cells.emplace(cells.at(cell), record);
            }
            judge(contender, group);
            least = contender.why_not.empty() ? std::min(least, contender.score) : least;
            group.contenders.push_back(std::move(contender));
        }
        auto order = [&](const Contender &c) {
            const bool tied = c.why_not.empty() && c.score <= least * tie;
            return std::make_tuple(!c.why_not.empty(), tied ? 0 : c.score, tied ? c.differs : 0, c.name);
        };
        std::sort(group.contenders.begin(), group.contenders.end(),
                  [&](const Contender &a, const Contender &b) { return order(a) < order(b); });
        list.push_back(std::move(group));
    }
    return list;
}

}  // namespace

std::string devices_text(const Group &group) { return fmt::format("{}", fmt::join(group.devices, " and ")); }

std::vector<Group> find_winners(const std::vector<Record> &records, bool on_threads) {
    return judged(records, on_threads, false);
}

std::vector<Group> find_agreed(const std::vector<Record> &records, bool on_threads) {
    return judged(records, on_threads, true);
}

}  // namespace norma
