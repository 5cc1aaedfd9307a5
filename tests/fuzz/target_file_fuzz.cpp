// SPDX-License-Identifier: MIT
// A target's file, alone in its folder: read, or refused as wrong input.
#include "file_of.h"
#include "generators/codegen/targets.h"
#include "refused.h"
#include "tools/base/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    norma::fuzz::refused<norma::InputError>([&] {
        for (const norma::TargetFile &target :
             norma::read_targets(norma::fuzz::file_of(bytes, count, "target.json").parent_path())) {
            norma::feature_bits(target.spec);
        }
    });
    return 0;
}
