// SPDX-License-Identifier: MIT
#include "records.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include "tools/base/digest.h"
#include "tools/base/files.h"

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

void check(bool good, const std::string &what) {
    if (!good) {
        throw std::invalid_argument(what);
    }
}

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
        line["bytes"] = r.bytes;
        line["gb_per_s"] = (double)r.bytes / r.ns;
        line["copy_ns"] = r.copy_ns;
        line["to_copy"] = r.copy_ns > 0 ? ordered_json(r.ns / r.copy_ns) : ordered_json();
        line["bits"] = r.bits;
        line["cache"] = on_gpu(r) ? "flushed before each call" : "as the call before left it";
        line["rounds"] = r.rounds;
        line["repeats"] = r.repeats;
    } else {
        line["why"] = r.why;
    }
    line["date"] = r.date;
    return line.dump(-1, ' ', true, json::error_handler_t::replace);
}

Record parse_record(const std::string &line) {
    try {
        const json j = json::parse(line);
        check(j.at("schema") == 1, "schema is " + j.at("schema").dump() + "; expected 1");
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
            check(object->is_object(), std::string(name) + " is no object");
        }
        j.at("rows").get_to(r.rows);
        j.at("hidden").get_to(r.hidden);
        check(r.rows > 0 && r.hidden > 0, "rows or hidden is below 1");
        r.threads = j.value("threads", 1);
        check(r.threads > 0, "threads is below 1");
        j.at("rung").get_to(r.rung);
        j.at("final").get_to(r.final);
        j.at("promises").get_to(r.promises);
        check(j.at("status") == "ok" || j.at("status") == "failed", "status is " + j.at("status").dump());
        if (j.at("status") == "failed") {
            j.at("why").get_to(r.why);
            check(!r.why.empty(), "why is empty");
            return r;
        }
        j.at("ns").get_to(r.ns);
        j.at("default_ns").get_to(r.default_ns);
        j.at("interval").at(0).get_to(r.low);
        j.at("interval").at(1).get_to(r.high);
        j.at("default_interval").at(0).get_to(r.default_low);
        j.at("default_interval").at(1).get_to(r.default_high);
        check(r.ns > 0 && r.default_ns > 0, "ns or default_ns is not above 0");
        j.at("copy_ns").get_to(r.copy_ns);
        j.at("bytes").get_to(r.bytes);
        j.at("bits").get_to(r.bits);
        j.at("rounds").get_to(r.rounds);
        j.at("repeats").get_to(r.repeats);
        return r;
    } catch (const json::exception &error) {
        throw std::invalid_argument(error.what());
    }
}

std::vector<Record> read_records(const fs::path &path, const std::function<void(const std::string &)> &complain) {
    std::vector<fs::path> files;
    if (fs::is_directory(path)) {
        for (const fs::directory_entry &entry : fs::recursive_directory_iterator(path)) {
            if (entry.path().extension() == ".jsonl") {
                files.push_back(entry.path());
            }
        }
        std::sort(files.begin(), files.end());
    } else if (fs::exists(path)) {
        files.push_back(path);
    }
    std::vector<Record> records;
    for (const fs::path &file : files) {
        std::ifstream stream(file);
        int number = 0;
        for (std::string line; std::getline(stream, line);) {
            number++;
            if (line.empty()) {
                continue;
            }
            try {
                records.push_back(parse_record(line));
            } catch (const std::invalid_argument &error) {
                complain(fmt::format("{}:{}: no record, skipped: {}", file.string(), number, error.what()));
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

std::string now_utc() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

}  // namespace norma
