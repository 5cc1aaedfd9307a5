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

// Of ours over the default, for each cell. 1 where the default is taken.
std::vector<double> ours(const Group &group) {
    std::vector<double> ratios(group.cells.size(), 1.0);
    for (size_t cell = 0; group.has_winner() && cell < ratios.size(); cell++) {
        ratios[cell] = group.contenders.front().cells.at(cell)->ratio();
    }
    return ratios;
}

std::map<std::string, std::string> winner_texts(const std::vector<Group> &groups) {
    std::map<std::string, std::string> texts;
    for (const Group &group : groups) {
        texts[group.target + " " + group.variant] =
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

std::string winners_table(const std::vector<Group> &groups) {
    std::string text =
        fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", "target", "to default", "to copy", "bits", "kernel");
    for (const Group &group : groups) {
        GeometricMean copies;
        for (size_t cell = 0; group.has_winner() && cell < group.cells.size(); cell++) {
            const Record &record = *group.contenders.front().cells.at(cell);
            if (record.copy_ns > 0) {
                copies.add(record.ns / record.copy_ns);
            }
        }
        text += fmt::format("{:<15} {:>10} {:>7} {:>5}  {}\n", group.target,
                            group.has_winner() ? fmt::format("{:.3f}", group.contenders.front().score) : "default",
                            copies.text("{:.2f}"), group.has_winner() ? group.winner().bits : "same", group.variant);
        if (group.has_winner()) {
            text += fmt::format("    {}\n", changes(group.contenders.front()));
        }
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
