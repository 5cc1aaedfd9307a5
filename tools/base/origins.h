// SPDX-License-Identifier: MIT
// Where kernels' knobs come from. An origin, as registries have it, is "default", with a reason or without, or
// "record ID: 0.874 of the default's time (DATE) on DEVICES", each with more behind a semicolon.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace norma {

// Of a record that won; empty for a default.
inline std::string devices_of_origin(const std::string &origin) {
    const std::string before = ") on ";
    const size_t begin = origin.find(before);
    return origin.rfind("record ", 0) != 0 || begin == origin.npos
               ? ""
               : origin.substr(begin + before.size(), origin.find(';', begin) - begin - before.size());
}

// "12 kernels by records of AMD EPYC, avx512, 48/1024/32768 KB; 3 have defaults"
inline std::string origins_text(const std::vector<std::string> &origins) {
    std::map<std::string, int> kernels;
    for (const std::string &origin : origins) {
        kernels[devices_of_origin(origin)]++;
    }
    const int defaults = kernels[""];
    kernels.erase("");
    std::string text;
    for (const auto &[devices, count] : kernels) {
        text += std::to_string(count) + (count == 1 ? " kernel" : " kernels") + " by records of " + devices + "; ";
    }
    return text + std::to_string(defaults) + (defaults == 1 ? " has the default" : " have defaults");
}

}  // namespace norma
