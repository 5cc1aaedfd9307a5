// SPDX-License-Identifier: MIT
// Whose records decide for a library. docs/tuning.md has the rule.
#pragma once

#include <string>
#include <vector>

#include "winners.h"

namespace norma {

struct RecordedDevices {
    // "here": this machine; "all": none, so that all must agree; else the beginning of device_text. Of several that are
    // named all must agree.
    std::vector<std::string> names = {"here"};

    // Throws InputError where a device is named that no record is of.
    void check(const std::vector<Record> &records) const;
    bool include(const Record &record) const;
    // Whether a winner was found on CPUs of other vendors alone, and nobody asked for these.
    bool is_foreign(const Group &group) const;
};

}  // namespace norma
