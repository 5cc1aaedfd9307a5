// SPDX-License-Identifier: MIT
// The streaming threshold that follows from a machine's caches, against what records of that machine say.
#include <cmath>
#include <map>

#include "runtime/kernel_host/cpu/streaming_choice.h"
#include "tests/support/tune.h"

namespace {

int64_t threshold(const json &knobs) { return knobs.at("streaming_threshold"); }

// Whether the candidate differs from the default in when it streams alone, and does so for this shape.
bool tells_of_threshold(const json &record) {
    if (record.at("status") != "ok" || record.at("final") != true || !record.at("device").contains("l3")) {
        return false;
    }
    json knobs = record.at("knobs");
    const int64_t own = threshold(knobs), standard = threshold(record.at("default_knobs"));
    const int64_t bytes = record.at("bytes");
    knobs["streaming_threshold"] = standard;
    return knobs == record.at("default_knobs") && (bytes >= own) != (bytes >= standard);
}

}  // namespace

TEST_CASE("the streaming threshold of caches is within twice the best one of each recorded machine", "[tune]") {
    struct Ratios {
        double sum_of_logs = 0;
        int count = 0;
        double mean() const { return std::exp(sum_of_logs / count); }
    };
    std::map<std::string, std::map<int64_t, Ratios>> machines;  // by device, then threshold: to the time of the default
    for (const json &record : records_in(fs::path(source) / "schedules/records")) {
        if (tells_of_threshold(record)) {
            Ratios &ratios = machines[record.at("device").dump()][threshold(record.at("knobs"))];
            ratios.sum_of_logs += std::log(record.at("ns").get<double>() / record.at("default_ns").get<double>());
            ratios.count++;
        }
    }
    REQUIRE(!machines.empty());
    for (const auto &[device, thresholds] : machines) {
        int64_t best = 0;
        for (const auto &[value, ratios] : thresholds) {
            if (ratios.mean() < 1 && (best == 0 || ratios.mean() < thresholds.at(best).mean())) {
                best = value;
            }
        }
        const json caches = json::parse(device);
        const int64_t chosen = norma::streaming_threshold_of({caches.at("l2"), caches.at("l3")});
        INFO(device << ": best " << best << ", of its caches " << chosen);
        REQUIRE(best > 0);
        CHECK((chosen >= best / 2 && chosen <= best * 2));
    }
}
