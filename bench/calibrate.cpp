// SPDX-License-Identifier: MIT
#include "calibrate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <string>

#include "case.h"
#include "machine.h"
#include "norma/norma.hpp"
#include "report.h"
#include "tools/base/output_file.h"

namespace norma::bench {
namespace {

constexpr int64_t hidden = 1024;
constexpr int64_t least_bytes = 1 << 20;
constexpr int steps = 15;  // up to 128 MB

// One size after the other, each a square root of two larger.
std::vector<StoreTimes> time_stores(double seconds) {
    std::vector<Case> sizes;
    for (int step = 0; step < steps; step++) {
        Case c;
        c.op = NORMA_RMS_NORM_FORWARD;
        c.rows = static_cast<int64_t>(std::exp2(step / 2.0) * least_bytes) / (2 * 4 * hidden);
        c.hidden = hidden;
        sizes.push_back(c);
    }
    Team team(1);
    std::vector<StoreTimes> times;
    for (const Case &c : sizes) {
        const std::vector<Timing> both = measure_stores(c, team, {seconds / static_cast<double>(sizes.size()), 3});
        times.push_back({2 * 4 * c.rows * c.hidden, both[0].ns, both[1].ns});
    }
    return times;
}

void run_calibrate(const std::string &out, double seconds) {
    const std::unique_ptr<OutputFile> file = open_output("--out", out);
    const Machine machine = this_machine();
    check(norma_set_num_threads(1));
    const std::vector<StoreTimes> times = time_stores(seconds);
    std::string text = fmt::format("# norma calibrate, {}\n# bytes, ns with ordinary and with streaming stores\n",
                                   describe(machine, 1));
    for (const StoreTimes &t : times) {
        text += fmt::format("# {} {:.0f} {:.0f}\n", t.bytes, t.ordinary_ns, t.streaming_ns);
    }
    text += fmt::format("norma_calibration = 1\nstreaming_threshold = {}\n", best_threshold(times));
    file->write(text);
    file->finish();
}

}  // namespace

int64_t best_threshold(const std::vector<StoreTimes> &times) {
    // Of streaming from size i on, against never: what all sizes from i on gain.
    double gain = 0, best = 0;
    int64_t threshold = times.empty() ? 0 : 2 * times.back().bytes;
    for (size_t i = times.size(); i-- > 0;) {
        gain += std::log(times[i].ordinary_ns / times[i].streaming_ns);
        if (gain > best) {
            best = gain;
            threshold = times[i].bytes;
        }
    }
    return threshold;
}

void add_calibrate(CLI::App &app) {
    auto out = std::make_shared<std::string>();
    auto seconds = std::make_shared<double>(5);
    CLI::App *calibrate = app.add_subcommand(
        "calibrate", "Measure when to stream results on this machine, for NORMA_CALIBRATION to name");
    calibrate->add_option("--out", *out, "the file to write")->required();
    calibrate->add_option("--seconds", *seconds, "time spent")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
    calibrate->callback([=] { run_calibrate(*out, *seconds); });
}

}  // namespace norma::bench
