// SPDX-License-Identifier: MIT
// The knobs of cpu_rows: their names, and which values are legal.
#include <algorithm>
#include <stdexcept>

#include "cpu_rows.h"

namespace norma {

namespace {

bool power_of_two(int n) { return n > 0 && (n & (n - 1)) == 0; }

struct Knob {
    const char *name;
    int CpuRowsKnobs::*member;
    bool (*legal)(int value);
    const char *expected;
};

const Knob knob_table[] = {
    {"lanes", &CpuRowsKnobs::lanes, [](int n) { return power_of_two(n) && n >= 2 && n <= 1024; },
     "a power of two, 2 to 1024"},
    {"pair_lanes", &CpuRowsKnobs::pair_lanes, [](int n) { return power_of_two(n) && n >= 2 && n <= 1024; },
     "a power of two, 2 to 1024"},
    {"chunk", &CpuRowsKnobs::chunk, [](int n) { return n >= 1 && n <= 1024; }, "1 to 1024"},
    {"column_rows", &CpuRowsKnobs::column_rows, [](int n) { return n >= 1 && n <= 64; }, "1 to 64"},
    {"column_lanes", &CpuRowsKnobs::column_lanes, [](int n) { return power_of_two(n) && n >= 16 && n <= 1024; },
     "a power of two, 16 to 1024"},
    {"rows", &CpuRowsKnobs::rows, [](int n) { return n >= 1 && n <= 64; }, "1 to 64"},
    {"vector", &CpuRowsKnobs::vector, [](int n) { return power_of_two(n) && n <= 64; }, "a power of two, 1 to 64"},
    {"store_lanes", &CpuRowsKnobs::store_lanes, [](int n) { return power_of_two(n) && n >= 32 && n <= 1024; },
     "a power of two, 32 to 1024"},
    {"stream_bytes", &CpuRowsKnobs::stream_bytes, [](int n) { return n == 16 || n == 32 || n == 64; }, "16, 32 or 64"},
    {"store_batch", &CpuRowsKnobs::store_batch, [](int n) { return n >= 1 && n <= 16; }, "1 to 16"},
    {"short_store_batch", &CpuRowsKnobs::short_store_batch, [](int n) { return n >= 1 && n <= 16; }, "1 to 16"},
    {"native_f16", &CpuRowsKnobs::native_f16, [](int n) { return n == 0 || n == 1; }, "0 or 1"},
    {"native_bf16", &CpuRowsKnobs::native_bf16, [](int n) { return n == 0 || n == 1; }, "0 or 1"},
};

}  // namespace

std::string cpu_rows_refusal(const CpuRowsKnobs &knobs) {
    for (const Knob &knob : knob_table) {
        int value = knobs.*knob.member;
        if (!knob.legal(value)) {
            return knob.name + (" is " + std::to_string(value)) + "; expected " + knob.expected;
        }
    }
    if (knobs.vector > std::min(knobs.lanes, knobs.pair_lanes)) {
        return "vector is " + std::to_string(knobs.vector) + "; expected at most lanes and pair_lanes";
    }
    return "";
}

int CpuRowsKnobs::*cpu_rows_member(const std::string &name) {
    for (const Knob &knob : knob_table) {
        if (name == knob.name) {
            return knob.member;
        }
    }
    throw std::invalid_argument("\"" + name + "\" is not a knob of cpu_rows");
}

CpuRowsKnobs cpu_rows_knobs(const nlohmann::json &json) {
    CpuRowsKnobs knobs;
    for (const auto &[key, value] : json.items()) {
        int CpuRowsKnobs::*member = cpu_rows_member(key);
        if (!value.is_number_integer()) {
            throw std::invalid_argument("knob " + key + " of cpu_rows is " + value.dump() + "; expected an integer");
        }
        knobs.*member = value;
    }
    return knobs;
}

}  // namespace norma
