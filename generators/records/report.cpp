// SPDX-License-Identifier: MIT
#include "report.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

namespace norma {

namespace {

class GeometricMean {
public:
    void add(double value) {
        sum_ += std::log(value);
        count_++;
    }
    // A hyphen where there is nothing to take it of.
    std::string text(const char *format) const {
        return count_ == 0 ? "-" : fmt::format(fmt::runtime(format), std::exp(sum_ / count_));
    }

private:
    double sum_ = 0;
    int count_ = 0;
};

struct OfOp {
    int kernels = 0, winners = 0;
    GeometricMean ours;
    std::map<std::string, GeometricMean> others;  // by strategy
};

// Of ours over the default, for each cell. 1 where the default is taken, or ours was not measured.
std::vector<double> ours(const Group &group) {
    std::vector<double> ratios(group.cells.size(), 1.0);
    if (group.has_winner()) {
        for (const auto &[cell, record] : group.contenders.front().cells) {
            ratios[cell] = record->ratio();
        }
    }
    return ratios;
}

std::map<std::string, std::string> winner_texts(const std::vector<Group> &groups) {
    std::map<std::string, std::string> texts;
    for (const Group &group : groups) {
        texts[fmt::format("{} {} on {}", group.target, group.variant, devices_text(group))] =
            group.has_winner()
                ? fmt::format("{} ({:.3f})", group.contenders.front().name, group.contenders.front().score)
                : "the default";
    }
    return texts;
}

}  // namespace

std::string changes(const Contender &contender) {
    const Record *record = contender.cells.rbegin()->second;
    std::string text;
    for (const auto &[knob, value] : record->knobs.items()) {
        const nlohmann::json before = record->default_knobs.value(knob, nlohmann::json());
        if (value != before) {
            text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", knob,
                                before.is_null() ? "default" : before.dump(), value.dump());
        }
    }
    return text.empty() ? record->strategy : text;
}

namespace {

std::string winners_table(const std::vector<Group> &groups) {
    std::string text =
        fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", "target", "to default", "to copy", "bits", "kernel");
    for (const Group &group : groups) {
        if (!group.has_winner()) {
            text += fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", group.target, "default", "-", "same", group.variant);
            continue;
        }
        const Contender &winner = group.contenders.front();
        GeometricMean copies;
        for (const auto &[cell, record] : winner.cells) {
            if (record->copy_ns > 0) {
                copies.add(record->ns / record->copy_ns);
            }
        }
        text +=
            fmt::format("{:<15} {:>10.3f} {:>7} {:>5}  {}\n    {}{}\n", group.target, winner.score,
                        copies.text("{:.2f}"), group.winner().bits, group.variant, changes(winner),
                        winner.cells.size() == group.cells.size()
                            ? ""
                            : fmt::format(", measured at {} of {} shapes", winner.cells.size(), group.cells.size()));
    }
    return text;
}

std::string ops_table(const std::vector<Group> &groups) {
    std::map<std::pair<std::string, std::string>, OfOp> ops;
    std::set<std::string> others;
    for (const Group &group : groups) {
        OfOp &op = ops[{group.target, op_of(group.variant)}];
        const std::vector<double> own = ours(group);
        op.kernels++;
        op.winners += group.has_winner();
        for (double ratio : own) {
            op.ours.add(ratio);
        }
        for (const Contender &contender : group.contenders) {
            for (const auto &[cell, record] : contender.cells) {
                if (record->ok() && !record->promises) {
                    op.others[record->strategy].add(record->ratio() / own[cell]);
                    others.insert(record->strategy);
                }
            }
        }
    }
    std::string text =
        fmt::format("{:<15} {:<20} {:>7} {:>7} {:>18}", "target", "op", "kernels", "winners", "ours over default");
    for (const std::string &other : others) {
        text += fmt::format(" {:>24}", other + " over ours");
    }
    text += '\n';
    for (auto &[where, op] : ops) {
        text += fmt::format("{:<15} {:<20} {:>7} {:>7} {:>18}", where.first, where.second, op.kernels, op.winners,
                            op.ours.text("{:.3f}"));
        for (const std::string &other : others) {
            text += fmt::format(" {:>24}", op.others[other].text("{:.2f}"));
        }
        text += '\n';
    }
    return text;
}

template <typename Table>
std::string of_each_device(const std::vector<Group> &groups, Table table) {
    std::map<std::string, std::vector<Group>> by_device;
    for (const Group &group : groups) {
        by_device[devices_text(group)].push_back(group);
    }
    std::string text;
    for (const auto &[device, of_device] : by_device) {
        text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", device, table(of_device));
    }
    return text;
}

}  // namespace

std::string tables(const std::vector<Group> &groups) {
    return of_each_device(groups,
                          [](const auto &kernels) { return winners_table(kernels) + "\n" + ops_table(kernels); });
}

std::string gains(const std::vector<Group> &groups) { return of_each_device(groups, ops_table); }

std::string differences(const std::vector<Group> &before, const std::vector<Group> &after) {
    const std::map<std::string, std::string> old = winner_texts(before), now = winner_texts(after);
    std::set<std::string> kernels;
    for (const auto *side : {&old, &now}) {
        for (const auto &[kernel, winner] : *side) {
            kernels.insert(kernel);
        }
    }
    auto at = [](const std::map<std::string, std::string> &side, const std::string &kernel) {
        return side.count(kernel) != 0 ? side.at(kernel) : std::string("no records");
    };
    std::string text;
    for (const std::string &kernel : kernels) {
        if (at(old, kernel) != at(now, kernel)) {
            text += fmt::format("{}\n- {}\n+ {}\n", kernel, at(old, kernel), at(now, kernel));
        }
    }
    return text;
}

}  // namespace norma
