// SPDX-License-Identifier: MIT
#include "tune_grain_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "generators/codegen/lowered_hash.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "generators/records/records.h"
#include "runtime/kernel_host/cpu/usable_cpus.h"
#include "tools/base/child.h"
#include "tools/base/files.h"
#include "tools/base/messages.h"
#include "tools/base/now_utc.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char *knob = "grain_size";
const std::vector<int64_t> tried = {4096, 8192, 16384, 65536, 131072};

// From what the least of these cuts in two to what the largest does not.
const std::vector<int64_t> rows = {4, 8, 16, 32, 64, 128, 256, 512};
constexpr int64_t hidden = 1024;

std::string joined(const std::vector<std::string> &words) { return fmt::format("{}", fmt::join(words, ",")); }

json measured(const std::vector<std::string> &command) {
    const TemporaryDirectory directory(fs::temp_directory_path() / "norma-tasks");
    const std::string file = directory / "tasks.json";
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--json", file});
    run_program("measure grain_size", words);
    return json::parse(read_file(file));
}

// What a result says of each number of elements but the first, which is the default.
std::vector<Record> records_of(const json &result, const json &machine, const KernelSpec &standard,
                               const std::string &lowered) {
    const auto interval = [](const json &times, int end) { return times.at("interval").at(end).get<double>(); };
    const json &of_default = result.at("tasks").at(0);
    std::vector<Record> records;
    for (size_t i = 1; i < result.at("tasks").size(); i++) {
        const json &times = result.at("tasks").at(i);
        Record record;
        record.variant = name(standard.variant);
        record.target = standard.target.name;
        record.strategy = standard.strategy;
        record.halide = halide_version();
        record.lowered = lowered;
        record.device = {{"cpu", machine.at("cpu")},
                         {"isa", machine.at("copy_isa")},
                         {"l1d", machine.at("l1d")},
                         {"l2", machine.at("l2")},
                         {"l3", machine.at("l3")}};
        record.knobs = record.default_knobs = all_knobs(standard);
        record.knobs[knob] = times.at(knob);
        result.at("rows").get_to(record.rows);
        result.at("hidden").get_to(record.hidden);
        result.at("threads").get_to(record.threads);
        record.final = record.promises = true;
        record.bits = "same";
        record.cache = "warm";
        times.at("ns").get_to(record.ns);
        record.low = interval(times, 0), record.high = interval(times, 1);
        of_default.at("ns").get_to(record.default_ns);
        record.default_low = interval(of_default, 0), record.default_high = interval(of_default, 1);
        result.at("bytes").get_to(record.bytes);
        times.at("rounds").get_to(record.rounds);
        record.date = now_utc();
        records.push_back(record);
    }
    return records;
}

}  // namespace

void tune_grain_size(const Manifest &manifest, const std::vector<TargetFile> &targets, const Wanted &wanted,
                     const std::string &bench, const std::string &records, double seconds,
                     const LoweredHashes &lowered_hashes) {
    if (usable_cpus() == 1) {
        tell(fmt::format("one core: {} is not tuned", knob));
        return;
    }
    const RecordFile file(records);
    std::set<std::array<std::string, 3>> done;  // target, op and type of x: targets share what a parent has
    for (const TargetFile &target : targets) {
        const int64_t standard = target.spec.run_time.at(knob);
        std::vector<std::string> values = {std::to_string(standard)}, shapes;
        for (int64_t value : tried) {
            if (value != standard) {
                values.push_back(std::to_string(value));
            }
        }
        for (int64_t count : rows) {
            shapes.push_back(fmt::format("{}x{}", count, hidden));
        }
        for (const Variant &variant : variants_for(manifest.kernels, NORMA_CPU)) {
            // Strips of a backward are shared by all threads whatever this says.
            if (!is_wanted(variant, wanted) || !is_usual(variant) || is_backward(variant) || variant.x != variant.y ||
                variant.residual != NORMA_NONE) {
                continue;
            }
            const std::string whose = default_spec(variant, target).target.name;
            if (!done.insert({whose, op_name(variant.op), dtype_name(variant.x)}).second) {
                continue;
            }
            const json all =
                measured({bench, "bench", "--op", op_name(variant.op), "--dtype", dtype_name(variant.x), "--target",
                          target.spec.name, "--threads", std::to_string(usable_cpus()), "--shapes", joined(shapes),
                          "--grain-size", joined(values), "--seconds", fmt::format("{}", seconds)});
            for (const json &result : all.at("results")) {
                const KernelSpec kernel = default_spec(parse_name(result.at("kernel")), target);
                for (const Record &record :
                     records_of(result, all.at("machine"), kernel, lowered_hashes({kernel}).front())) {
                    file.add(record);
                }
            }
        }
    }
}

}  // namespace norma
