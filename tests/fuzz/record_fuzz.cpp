// SPDX-License-Identifier: MIT
// A line of records: refused, or read and written as the same record.
#include <stdexcept>

#include "generators/records/records.h"
#include "refused.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    norma::fuzz::refused<std::invalid_argument>([&] {
        const norma::Record record = norma::parse_record({reinterpret_cast<const char *>(bytes), count});
        const std::string line = norma::to_line(record);
        if (norma::to_line(norma::parse_record(line)) != line) {
            __builtin_trap();
        }
        norma::key(record);
        norma::bucket(record);
        norma::device_text(record);
    });
    return 0;
}
