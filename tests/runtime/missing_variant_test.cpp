// SPDX-License-Identifier: MIT
// A variant that the library lacks is refused with the manifest line that adds it: normagen takes that line.
#include <random>
#include <set>

#include "runtime/src/core/plan.h"
#include "runtime/vocabulary/variant_name.h"
#include "tests/support/cuda/fake_driver.h"
#include "tests/support/cuda/registry.h"
#include "tests/support/normagen.h"

using namespace norma;

namespace {

// The registry, support/cuda/registry.cpp, has other types.
norma_plan_desc rms_norm_desc(norma_device_type device = NORMA_CPU) {
    norma_plan_desc desc = test::describe(100);
    desc.device = {device, 0};
    desc.x = NORMA_F16;
    return desc;
}

std::string missing_line(const norma_plan_desc &desc) {
    norma_plan *plan = reinterpret_cast<norma_plan *>(0x40);
    CHECK(norma_plan_create(&desc, &plan) == NORMA_NOT_IN_LIBRARY);
    CHECK(plan == nullptr);
    return norma_last_error();
}

// What a desc may say, drawn at random; what it may not is drawn again, as is what the registry has.
norma_plan_desc any_desc(norma_device_type device, std::mt19937 &random) {
    auto one_of = [&](const auto &values) { return values.begin()[random() % values.size()]; };
    for (;;) {
        norma_plan_desc desc = rms_norm_desc(device), normalized;
        for (const Field &field : fields) {
            if (field.in_desc != absent) {
                set_value_at(&desc, field.in_desc, field.words.first[random() % field.words.count].value);
            }
        }
        desc.hidden = one_of(std::initializer_list<int64_t>{64, 100, 1000, 4096, 5001});
        desc.flags = one_of(std::initializer_list<uint32_t>{0, 0, NORMA_RECOMPUTE_STATISTICS, NORMA_PARTIAL_STATISTICS,
                                                            NORMA_MERGED_STATISTICS});
        if (desc.x != NORMA_F32 && normalize(&desc, &normalized) == NORMA_OK) {
            return normalized;
        }
    }
}

}  // namespace

TEST_CASE("the refusal of a missing variant is a manifest line", "[missing]") {
    fake_cuda::reset({90});
    const char *const rest = R"("op": "rms_norm_forward", "x": "f16", "y": "bf16", "hidden": "any_to_1024"})";
    for (const auto &[device, words] : {std::pair(NORMA_CPU, ""), {NORMA_CUDA, R"("device": "cuda", )"}}) {
        norma_plan_desc desc = rms_norm_desc(device);
        desc.y = NORMA_BF16;
        CHECK(missing_line(desc) == std::string("{") + words + rest);
    }
}

TEST_CASE("normagen takes the manifest line of any missing variant, for its device", "[missing]") {
    fake_cuda::reset({90});
    std::mt19937 random(1);
    std::string kernels;
    std::set<std::string> expected;
    while (expected.size() < 1000) {
        const norma_plan_desc desc = any_desc(expected.size() % 2 == 0 ? NORMA_CPU : NORMA_CUDA, random);
        Variant variant = variant_of(desc);
        variant.hidden = narrowest_class(desc.hidden).hidden;
        if (expected.insert(name(variant) + (desc.device.type == NORMA_CUDA ? " on CUDA" : "")).second) {
            kernels += (kernels.empty() ? "" : ",\n") + missing_line(desc);
        }
    }
    const Directory directory;
    const Result result =
        normagen("list --target x86-64-v3,cuda-sm90 --manifest " + directory.write("manifest.json", manifest(kernels)));
    INFO(result.err);
    REQUIRE(result.status == 0);
    const std::vector<std::string> found = lines(result.out);
    for (const std::string &kernel : expected) {
        INFO(kernel);
        CHECK(std::find(found.begin(), found.end(), kernel) != found.end());
    }
}

TEST_CASE("the manifest line has the narrowest class that has the hidden size", "[missing]") {
    const std::pair<int64_t, std::string> classes[] = {
        {1, "any_to_1024"}, {100, "any_to_1024"}, {1000, "any_to_1024"}, {64, "64n_to_1024"}, {1024, "64n_to_1024"},
        {1088, "64n"},      {5120, "64n"},        {1025, "any"},         {1 << 30, "64n"},    {(1 << 30) - 1, "any"},
    };
    norma_plan_desc desc = rms_norm_desc();
    for (const auto &[hidden, name] : classes) {
        desc.hidden = hidden;
        CHECK(missing_line(desc) == R"({"op": "rms_norm_forward", "x": "f16", "hidden": ")" + name + "\"}");
    }
}
