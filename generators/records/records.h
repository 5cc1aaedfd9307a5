// SPDX-License-Identifier: MIT
// Records: one measured candidate a line, in RECORDS/TARGET/OP.jsonl. docs/tuning.md describes them, and
// schedules/records/schema.json their keys.
#pragma once

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace norma {

struct Record {
    // The key: what was measured, where, and beside which default: `lowered` is the hash of its lowered code.
    std::string variant, target, strategy, halide, lowered;
    nlohmann::json device, knobs, default_knobs;
    int64_t rows = 0, hidden = 0;
    int threads = 1;        // with more, by Norma's pool: candidates then differ in grain_size alone
    int rung = 0;           // of the search
    bool final = false;     // the rung that decides
    bool promises = false;  // whether the strategy keeps docs/numerics.md: others never win

    std::string why;  // a failed one: how. Empty where it was measured
    // Nanoseconds of a call: the median and its 95 % interval, of the candidate and of the default beside it.
    double ns = 0, low = 0, high = 0, default_ns = 0, default_low = 0, default_high = 0, copy_ns = 0;
    // The A/A control: the default once more, as if it were another candidate. 0 where there was none.
    double control_ns = 0, control_low = 0, control_high = 0;
    int64_t bytes = 0;  // read and written by a call
    std::string bits;   // "same" as those of the default, or "own"
    std::string cache;  // how a call finds the caches: "warm", ...
    int rounds = 0, repeats = 0;
    std::string date;  // UTC, 2026-01-31T12:00:00Z

    bool ok() const { return why.empty(); }
    double ratio() const { return ns / default_ns; }
    // By how much the same code seemed to differ from itself: no less is a difference.
    double noise() const { return control_ns > 0 ? std::fabs(control_ns / default_ns - 1) : 0; }
    bool is_faster() const { return high < default_low && ratio() < 1 - noise(); }  // beyond doubt
    // Whether the control's interval meets the default's.
    bool steady() const { return control_ns == 0 || (control_low <= default_high && control_high >= default_low); }
};

std::string op_of(const std::string &variant);
// "512x4096": rows down to a power of two.
std::string bucket(const Record &record);
std::filesystem::path file_of(const Record &record);  // below the directory of records
std::string device_name(const Record &record);        // "AMD EPYC"
// "AMD EPYC, avx512, 32/1024/32768 KB", "NVIDIA H200, sm_90, 61440 KB, driver 13.0": devices that differ in any of it
// are tuned apart.
std::string device_text(const Record &record);
std::string candidate(const Record &record);  // strategy and knobs as text
std::string key(const Record &record);        // of a trial: a later record of the same key replaces an earlier one
std::string identity(const Record &record);   // eight digits of it and its numbers, for people

std::string to_line(const Record &record);     // without the newline
Record parse_record(const std::string &line);  // throws std::invalid_argument that says what is wrong

std::vector<std::filesystem::path> record_files(const std::filesystem::path &directory);  // in order

// The records below a file or directory, in the order of the paths and lines. A line that is none is reported to
// `complain` and left out, as a file is that cannot be read. A directory that does not exist holds none.
std::vector<Record> read_records(const std::filesystem::path &path,
                                 const std::function<void(const std::string &)> &complain);

// Adds lines, each whole or not at all, in one write.
class RecordFile {
public:
    explicit RecordFile(std::filesystem::path path);  // of a directory; throws OutputError
    void add(const Record &record) const;             // throws OutputError, and leaves the file as it was

private:
    std::filesystem::path directory_;
};

}  // namespace norma
