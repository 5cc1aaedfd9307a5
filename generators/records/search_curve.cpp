// SPDX-License-Identifier: MIT
#include "search_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <numeric>
#include <set>

namespace norma {

namespace {

using Ratios = std::map<std::string, double>;  // by shape: logarithms of times over the default's

double seconds(const Record &record) {
    std::tm utc{};
    strptime(record.date.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return (double)timegm(&utc);
}

double mean(const Ratios &ratios) {
    return std::accumulate(ratios.begin(), ratios.end(), 0.0,
                           [](double sum, const auto &ratio) { return sum + ratio.second; }) /
           (double)ratios.size();
}

// The least of the first n in random order, expected for each n from 1 on; the values ascend.
std::vector<double> expected_least(const std::vector<double> &values) {
    std::vector<double> expected;
    for (size_t n = 1; n <= values.size(); n++) {
        double sum = 0, none_before = 1;  // the chance that no smaller value is among the n
        for (size_t i = 0; i + n <= values.size(); i++) {
            const double left = (double)(values.size() - i), here = (double)n / left;
            sum += none_before * here * values[i];
            none_before *= 1 - here;
        }
        expected.push_back(sum);
    }
    return expected;
}

}  // namespace

SearchCurve search_curve(std::vector<const Record *> trials) {
    const auto other = [](const Record *trial) { return !trial->ok() || !trial->promises || trial->threads > 1; };
    trials.erase(std::remove_if(trials.begin(), trials.end(), other), trials.end());
    std::stable_sort(trials.begin(), trials.end(), [](const Record *a, const Record *b) { return a->date < b->date; });
    std::set<std::string> shapes;
    std::map<std::string, Ratios> finals;
    double in_finals = 0;
    for (size_t i = 0; i < trials.size(); i++) {
        if (trials[i]->final) {
            shapes.insert(bucket(*trials[i]));
            finals[candidate(*trials[i])][bucket(*trials[i])] = std::log(trials[i]->ratio());
            in_finals += i > 0 ? seconds(*trials[i]) - seconds(*trials[i - 1]) : 0;
        }
    }
    std::vector<double> best;  // of each candidate and the default
    for (const auto &[name, ratios] : finals) {
        if (ratios.size() == shapes.size()) {
            best.push_back(std::min(1.0, std::exp(mean(ratios))));
        }
    }
    if (best.size() < least_candidates) {
        return {};
    }
    std::sort(best.begin(), best.end());

    SearchCurve curve = {{{0, 1}}, {{0, 1}}};
    std::map<std::string, std::pair<int, Ratios>> known;  // by candidate: its last rung, and what that says
    for (const Record *trial : trials) {
        auto &[rung, ratios] = known[candidate(*trial)];
        if (trial->rung != rung) {
            ratios.clear();
        }
        rung = trial->rung;
        ratios[bucket(*trial)] = std::log(trial->ratio());
        double least = 0, final_ratio = 1;
        int highest = 0;
        for (const auto &[name, standing] : known) {
            const auto &[its_rung, its_ratios] = standing;
            const bool complete = its_ratios.size() == shapes.size() && finals[name].size() == shapes.size();
            const double its_mean = mean(its_ratios);
            if (complete && its_mean < 0 && (its_rung > highest || (its_rung == highest && its_mean < least))) {
                highest = its_rung;
                least = its_mean;
                final_ratio = std::exp(mean(finals[name]));
            }
        }
        const double at = seconds(*trial) - seconds(*trials.front());
        if (curve.search.back().first == at) {  // trials made together
            curve.search.pop_back();
        }
        curve.search.emplace_back(at, final_ratio);
    }
    const double each = in_finals / (double)finals.size();
    double drawn = each;
    for (const double expected : expected_least(best)) {
        curve.random.emplace_back(drawn, expected);
        drawn += each;
    }
    return curve;
}

std::string curves_csv(const std::vector<Record> &records) {
    std::map<std::array<std::string, 3>, std::vector<const Record *>> kernels;
    for (const Record &record : records) {
        kernels[{device_text(record), record.target, record.variant}].push_back(&record);
    }
    std::string text = "device,target,kernel,order,seconds,to_default\n";
    for (const auto &[kernel, trials] : kernels) {
        const SearchCurve curve = search_curve(trials);
        for (const auto &[order, points] : {std::pair("search", &curve.search), {"random", &curve.random}}) {
            std::string before;
            for (const auto &[at, ratio] : *points) {
                const std::string now = fmt::format("{:.4f}", ratio);
                if (now != before || at == points->back().first) {
                    text += fmt::format("\"{}\",{},{},{},{:.1f},{}\n", kernel[0], kernel[1], kernel[2], order, at, now);
                }
                before = now;
            }
        }
    }
    return text;
}

}  // namespace norma
