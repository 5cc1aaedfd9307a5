// SPDX-License-Identifier: MIT
#include "recorded_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "bench/device/device.h"
#include "tools/base/errors.h"
#include "tools/base/text.h"

namespace norma {

using nlohmann::json;

namespace {

// What records call this machine's device of the record's kind; empty where there is none.
const json &device_here(const Record &record) {
    static std::map<norma_device_type, json> known;
    const norma_device_type type = record.device.contains("gpu") ? NORMA_CUDA : NORMA_CPU;
    const auto [found, is_new] = known.emplace(type, json::object());
    const bench::DeviceKind &kind = bench::device_kind(type);
    if (is_new && kind.is_there(0)) {
        try {
            found->second = kind.describe();
        } catch (const std::exception &) {
            found->second = json::object();  // a driver without a device
        }
    }
    return found->second;
}

bool begins(const std::string &device, const std::string &name) { return device.rfind(name, 0) == 0; }

// "Intel(R) Xeon(R)" is Intel's.
std::string vendor(const std::string &device) {
    const auto end = std::find_if_not(device.begin(), device.end(), [](unsigned char c) { return std::isalnum(c); });
    return {device.begin(), end};
}

}  // namespace

void RecordedDevices::check(const std::vector<Record> &records) const {
    std::set<std::string> known;
    std::transform(records.begin(), records.end(), std::inserter(known, known.end()), device_text);
    for (const std::string &name : names) {
        const bool is_known =
            name == "here" || name == "all" ||
            std::any_of(known.begin(), known.end(), [&](const std::string &device) { return begins(device, name); });
        if (!is_known) {
            throw InputError(fmt::format(
                "--device is \"{}\"; expected here, all, or how a device of the records begins: {}", one_line(name),
                known.empty() ? "there is none" : fmt::format("{}", fmt::join(known, "; "))));
        }
    }
}

bool RecordedDevices::include(const Record &record) const {
    return std::any_of(names.begin(), names.end(), [&](const std::string &name) {
        return name == "here" ? record.device == device_here(record)
                              : name != "all" && begins(device_text(record), name);
    });
}

bool RecordedDevices::is_foreign(const Group &group) const {
    const json &here = device_here(group.winner());
    const std::string own = vendor(here.value("cpu", here.value("gpu", "")));
    return names == RecordedDevices().names && std::none_of(group.devices.begin(), group.devices.end(),
                                                            [&](const std::string &d) { return vendor(d) == own; });
}

}  // namespace norma
