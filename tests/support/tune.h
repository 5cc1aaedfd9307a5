// SPDX-License-Identifier: MIT
// What the tests of tuning share.
#pragma once

#include <set>

#include "normagen.h"

// A target that this machine runs, whose own knobs are slow: each sum waits for the one before.
inline void write_slow_target(const Directory &d) {
    fs::copy(source + "/schedules/targets", d.path / "targets");
    d.write("targets/slow.json", R"({"name": "slow", "parent": "x86-64-v2", "needs": "patience",
        "knobs": {"cpu_rows": {"lanes": 4, "pair_lanes": 4, "vector": 4, "store_lanes": 32, "rows": 1}}})");
}

inline const std::string tuned_kernel = "rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.any";

// Its tuning, as far as `--candidates` go, in seconds.
inline std::string tune_command(const Directory &d, const std::string &more) {
    d.write("m.json", manifest(R"({"op": "rms_norm_forward", "x": "f32", "weight": "x"})"));
    return "tune --manifest " + d / "m.json" + " --target-files " + d / "targets" + " --work " + d / "work" +
           " --records " + d / "records" + " --target slow " + (contains(more, "--shapes") ? "" : "--shapes 16x512 ") +
           more;
}

inline std::vector<json> records_in(const fs::path &directory) {
    std::vector<json> records;
    for (const auto &entry : fs::recursive_directory_iterator(directory)) {
        if (entry.path().extension() == ".jsonl") {
            for (const std::string &line : lines(read(entry.path()))) {
                records.push_back(json::parse(line));
            }
        }
    }
    return records;
}

// What was measured twice; a run whose budget ended leaves trials to the next, which is fine.
inline std::set<std::string> repeated(const std::vector<json> &records) {
    std::set<std::string> known, twice;
    for (const json &record : records) {
        const std::string trial =
            json{record.at("variant"), record.at("bucket"), record.at("knobs"), record.at("rung")}.dump();
        if (!known.insert(trial).second) {
            twice.insert(trial);
        }
    }
    return twice;
}

// A shared object beside what was emitted, with a kernel of these C statements.
inline std::string kernel_in_c(const Directory &d, const std::string &name, const std::string &symbol,
                               const std::string &body) {
    d.write("emitted/objects/" + name + ".c",
            "#include <stdlib.h>\n#include <unistd.h>\nint " + symbol + "_argv(void **arguments) { " + body + " }\n");
    const std::string path = d / ("emitted/objects/" + name);
    REQUIRE(shell("cc -shared -fPIC -o " + path + ".so " + path + ".c").status == 0);
    return "objects/" + name + ".so";
}

inline std::string failure_of(const std::vector<json> &records, const json &knobs) {
    for (const json &record : records) {
        if (record.at("knobs") == knobs && record.at("status") == "failed") {
            return record.at("why");
        }
    }
    return "";
}
