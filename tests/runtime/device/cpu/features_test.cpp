// SPDX-License-Identifier: MIT
// What the runtime finds in this CPU, beside what Halide finds.
#include "runtime/src/device/cpu/features.h"

#include <Halide.h>

#include "generators/codegen/targets.h"
#include "tests/support/catch.h"

namespace {

using Feature = Halide::Target::Feature;

bool runtime_finds(Feature feature) {
    std::array<uint64_t, 4> bits{};
    bits[static_cast<size_t>(feature) / 64] = uint64_t{1} << (static_cast<size_t>(feature) % 64);
    return norma::cpu_has_features(bits.data());
}

}  // namespace

TEST_CASE("the runtime runs the targets that Halide says run here", "[features]") {
    int here = 0;
    for (const norma::TargetFile &target : norma::read_targets(NORMA_SOURCE_DIR "/schedules/targets")) {
        if (!norma::is_cuda(target.spec) && norma::architecture(target) == norma::architecture_here()) {
            INFO(target.spec.name);
            here++;
            CHECK(norma::cpu_has_features(norma::feature_bits(target.spec).data()) == norma::runs_here(target));
        }
    }
    CHECK(here > 0);
}

TEST_CASE("the runtime finds each feature that Halide finds, and none that it does not know", "[features]") {
    const Halide::Target host = Halide::get_host_target();
    for (Feature feature : {Feature::SSE41, Feature::AVX, Feature::F16C, Feature::FMA, Feature::AVX2, Feature::AVX512,
                            Feature::AVX512_Skylake, Feature::AVX512_Cannonlake, Feature::AVX512_Zen4,
                            Feature::AVX512_SapphireRapids, Feature::ARMFp16, Feature::ARMDotProd}) {
        INFO(Halide::Target::feature_to_name(feature));
        CHECK((runtime_finds(feature) || !host.has_feature(feature)));
    }
    CHECK_FALSE(runtime_finds(Feature::NoAsserts));
    CHECK_FALSE(runtime_finds(Feature::AVX512_KNL));
}
