// SPDX-License-Identifier: MIT
// A kernel's name: refused, or the name of what it was read as.
#include <stdexcept>

#include "refused.h"
#include "runtime/vocabulary/variant_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    norma::fuzz::refused<std::invalid_argument>([&] {
        const norma::Variant variant = norma::parse_name({reinterpret_cast<const char *>(bytes), count});
        norma::refusal(variant);
        const std::string name = norma::name(variant);
        if (norma::name(norma::parse_name(name)) != name) {
            __builtin_trap();
        }
    });
    return 0;
}
