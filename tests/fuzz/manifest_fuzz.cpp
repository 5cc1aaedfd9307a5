// SPDX-License-Identifier: MIT
// A manifest: read, or refused as wrong input.
#include "file_of.h"
#include "generators/normagen/manifest.h"
#include "refused.h"
#include "tools/base/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    norma::fuzz::refused<norma::InputError>([&] {
        for (const norma::Manifest::Entry &entry :
             norma::read_manifest(norma::fuzz::file_of(bytes, count, "manifest.json")).kernels) {
            if (!norma::refusal(entry.variant).empty()) {
                __builtin_trap();  // one that is not legal was let through
            }
        }
    });
    return 0;
}
