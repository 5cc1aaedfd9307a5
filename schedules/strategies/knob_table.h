// SPDX-License-Identifier: MIT
// The knobs of a strategy as a table: what each is called, which values are legal, and which are worth trying.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace norma {

struct LegalValues {
    int least, most;
    bool powers_of_two = false;

    bool contains(int value) const {
        return value >= least && value <= most && (!powers_of_two || (value & (value - 1)) == 0);
    }
    std::string text() const {
        return (powers_of_two ? "a power of two, " : "") + std::to_string(least) +
               (most == least + 1 ? " or " : " to ") + std::to_string(most);
    }
};

// `Knobs` is a struct of ints; `Scope` says which variants a knob matters to.
template <typename Knobs, typename Scope>
struct Knob {
    const char *name;
    int Knobs::*member;
    LegalValues legal;
    Scope scope;
    std::vector<int> tried;  // none: it is given by the target
};

template <typename Knobs, typename Scope>
class KnobTable {
public:
    using Row = Knob<Knobs, Scope>;

    KnobTable(const char *strategy, std::vector<Row> rows) : strategy_(strategy), rows_(std::move(rows)) {}

    // Those that `json` does not name have their defaults. Throws std::invalid_argument on an unknown knob.
    Knobs parse(const nlohmann::json &json) const {
        Knobs knobs;
        for (const auto &[key, value] : json.items()) {
            const std::string &name = key;
            const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row &r) { return name == r.name; });
            if (row == rows_.end()) {
                throw std::invalid_argument("\"" + name + "\" is not a knob of " + strategy_);
            }
            if (!value.is_number_integer()) {
                throw std::invalid_argument("knob " + name + " of " + strategy_ + " is " + value.dump() +
                                            "; expected an integer");
            }
            knobs.*row->member = value;
        }
        return knobs;
    }

    // Why a value is not legal; empty when all are.
    std::string refusal(const Knobs &knobs) const {
        for (const Row &row : rows_) {
            const int value = knobs.*row.member;
            if (!row.legal.contains(value)) {
                return row.name + (" is " + std::to_string(value)) + "; expected " + row.legal.text();
            }
        }
        return "";
    }

    // The defaults, then what differs from them in the fewest knobs, by the values of each that are worth trying and
    // that `wanted(row, value)`.
    template <typename Wanted>
    std::vector<nlohmann::json> combinations(const nlohmann::json &defaults, const Wanted &wanted) const {
        std::vector<std::pair<int, nlohmann::json>> found = {{0, defaults}};  // with how many knobs differ
        const Knobs standard = parse(defaults);
        for (const Row &row : rows_) {
            const size_t before = found.size();
            for (int value : row.tried) {
                if (standard.*row.member == value || !wanted(row, value)) {
                    continue;
                }
                for (size_t i = 0; i < before; i++) {
                    auto [differ, knobs] = found[i];
                    knobs[row.name] = value;
                    found.emplace_back(differ + 1, knobs);
                }
            }
        }
        std::stable_sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
        std::vector<nlohmann::json> list;
        for (const auto &[differ, knobs] : found) {
            list.push_back(knobs);
        }
        return list;
    }

private:
    const char *strategy_;
    std::vector<Row> rows_;
};

}  // namespace norma
