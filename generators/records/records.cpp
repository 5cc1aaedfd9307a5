// SPDX-License-Identifier: MIT
#include "records.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "schema_check.h"
#include "tools/base/digest.h"
#include "tools/base/files.h"
#include "tools/base/json_text.h"
#include "tools/base/text.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

ordered_json key_json(const Record &r) {
    ordered_json key = {
        {"schema", 1},          {"variant", r.variant},   {"bucket", bucket(r)},   {"rows", r.rows},
        {"hidden", r.hidden},   {"target", r.target},     {"device", r.device},    {"halide", r.halide},
        {"lowered", r.lowered}, {"strategy", r.strategy}, {"knobs", r.knobs},      {"default_knobs", r.default_knobs},
        {"rung", r.rung},       {"final", r.final},       {"promises", r.promises}};
    if (r.threads > 1) {
        key["threads"] = r.threads;
    }
    return key;
}

bool on_gpu(const Record &record) { return record.device.contains("gpu"); }

constexpr JsonLimits limits = {3, 1000};  // record, device; of a line
constexpr size_t longest_why = 1000;      // of what a process said last

}  // namespace

std::string op_of(const std::string &variant) { return variant.substr(0, variant.find('.')); }

fs::path file_of(const Record &record) { return fs::path(record.target) / (op_of(record.variant) + ".jsonl"); }

std::string bucket(const Record &record) {
    int64_t rows = 1;
    while (2 * rows <= record.rows) {
        rows *= 2;
    }
    return fmt::format("{}x{}", rows, record.hidden);
}

std::string device_name(const Record &record) {
    return record.device.value("cpu", record.device.value("gpu", "an unknown device"));
}

std::string device_text(const Record &record) {
    const json &device = record.device;
    if (on_gpu(record)) {
        return fmt::format("{}, sm_{}, {} KB, driver {}", device_name(record), device.value("sm", 0),
                           device.value("l2", int64_t{0}) / 1024, device.value("driver", "unknown"));
    }
    return fmt::format("{}, {}, {}/{}/{} KB", device_name(record), device.value("isa", "unknown instructions"),
                       device.value("l1d", int64_t{0}) / 1024, device.value("l2", int64_t{0}) / 1024,
                       device.value("l3", int64_t{0}) / 1024);
}

std::string candidate(const Record &record) { return record.strategy + " " + record.knobs.dump(); }

std::string key(const Record &record) { return key_json(record).dump(); }

std::string identity(const Record &record) { return digest(to_line(record)).substr(0, 8); }

std::string to_line(const Record &r) {
    ordered_json line = key_json(r);
    line["status"] = r.ok() ? "ok" : "failed";
    if (r.ok()) {
        line["ns"] = r.ns;
        line["interval"] = {r.low, r.high};
        line["default_ns"] = r.default_ns;
        line["default_interval"] = {r.default_low, r.default_high};
        if (r.control_ns > 0) {
            line["control_ns"] = r.control_ns;
            line["control_interval"] = {r.control_low, r.control_high};
        }
        line["bytes"] = r.bytes;
        line["gb_per_s"] = (double)r.bytes / r.ns;
        line["copy_ns"] = r.copy_ns;
        line["to_copy"] = r.copy_ns > 0 ? ordered_json(r.ns / r.copy_ns) : ordered_json();
        line["bits"] = r.bits;
        line["cache"] = r.cache;
        line["rounds"] = r.rounds;
        line["repeats"] = r.repeats;
    } else {
        line["why"] = one_line(r.why).substr(0, longest_why);
    }
    line["date"] = r.date;
    return line.dump(-1, ' ', true, json::error_handler_t::replace);
}

Record parse_record(const std::string &line) {
    json j;
    try {
        j = parse_json(line, limits);
    } catch (const JsonError &error) {
        throw std::invalid_argument(error.what());
    }
    check_record(j);
    Record r;
    for (auto [name, text] : {std::pair("variant", &r.variant),
                              {"target", &r.target},
                              {"strategy", &r.strategy},
                              {"halide", &r.halide},
                              {"lowered", &r.lowered},
                              {"date", &r.date}}) {
        j.at(name).get_to(*text);
    }
    for (auto [name, object] :
         {std::pair("device", &r.device), {"knobs", &r.knobs}, {"default_knobs", &r.default_knobs}}) {
        *object = j.at(name);
    }
    j.at("rows").get_to(r.rows);
    j.at("hidden").get_to(r.hidden);
    r.threads = j.value("threads", 1);
    j.at("rung").get_to(r.rung);
    j.at("final").get_to(r.final);
    j.at("promises").get_to(r.promises);
    if (const std::string expected = bucket(r); j.at("bucket") != expected) {
        throw std::invalid_argument("bucket is " + j.at("bucket").dump() + "; expected \"" + expected + "\"");
    }
    if (j.at("status") == "failed") {
        j.at("why").get_to(r.why);
        return r;
    }
    j.at("ns").get_to(r.ns);
    j.at("default_ns").get_to(r.default_ns);
    j.at("interval").at(0).get_to(r.low);
    j.at("interval").at(1).get_to(r.high);
    j.at("default_interval").at(0).get_to(r.default_low);
    j.at("default_interval").at(1).get_to(r.default_high);
    if (j.contains("control_ns")) {
        j.at("control_ns").get_to(r.control_ns);
        j.at("control_interval").at(0).get_to(r.control_low);
        j.at("control_interval").at(1).get_to(r.control_high);
    }
    j.at("copy_ns").get_to(r.copy_ns);
    j.at("bytes").get_to(r.bytes);
    j.at("bits").get_to(r.bits);
    j.at("cache").get_to(r.cache);
    j.at("rounds").get_to(r.rounds);
    j.at("repeats").get_to(r.repeats);
    return r;
}

std::vector<fs::path> record_files(const fs::path &directory) {
    std::vector<fs::path> files;
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(directory)) {
        if (entry.path().extension() == ".jsonl" && !entry.is_directory()) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<Record> read_records(const fs::path &path, const std::function<void(const std::string &)> &complain) {
    const bool is_folder = fs::is_directory(path);
    std::vector<fs::path> files;
    if (is_folder) {
        files = record_files(path);
    } else if (fs::exists(path)) {
        files.push_back(path);
    }
    std::vector<Record> records;
    for (const fs::path &file : files) {
        // Whoever names a pipe writes to it; one that is found, or a device, may have no end.
        if (std::error_code error; is_folder && !fs::is_regular_file(file, error)) {
            complain(one_line(file.string() + ": no regular file, skipped"));
            continue;
        }
        std::ifstream stream(file);
        if (!stream) {
            complain(one_line(file.string() + ": cannot be read, skipped: " + std::strerror(errno)));
        }
        int number = 0;
        for (std::string line; std::getline(stream, line);) {
            number++;
            if (line.empty()) {
                continue;
            }
            try {
                records.push_back(parse_record(line));
            } catch (const std::invalid_argument &error) {
                complain(one_line(fmt::format("{}:{}: no record, skipped: {}", file.string(), number, error.what())));
            }
        }
    }
    return records;
}

RecordFile::RecordFile(fs::path path) : directory_(std::move(path)) { make_directory(directory_); }

void RecordFile::add(const Record &record) const {
    const fs::path path = directory_ / file_of(record);
    make_directory(path.parent_path());
    const int file = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        throw OutputError(path.string() + ": cannot write: " + std::strerror(errno));
    }
    flock(file, LOCK_EX);  // others that add lines wait: what is cut off is ours
    struct stat before {};
    fstat(file, &before);
    // What was cut off earlier stays a line of its own.
    char last = '\n';
    const bool cut = before.st_size > 0 && pread(file, &last, 1, before.st_size - 1) == 1 && last != '\n';
    const std::string line = (cut ? "\n" : "") + to_line(record) + "\n";
    errno = 0;
    const bool whole = write(file, line.data(), line.size()) == (ssize_t)line.size();
    const int error = errno != 0 ? errno : ENOSPC;
    if (!whole && ftruncate(file, before.st_size) != 0) {
        // The reader skips the half line.
    }
    close(file);
    if (!whole) {
        throw OutputError(path.string() + ": cannot write: " + std::strerror(error));
    }
}

}  // namespace norma
