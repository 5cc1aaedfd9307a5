// SPDX-License-Identifier: MIT
// A variant that the library lacks is refused with the manifest line that adds it: normagen takes that line.
#include "tests/support/call.h"
#include "tests/support/normagen.h"

using namespace norma::test;

namespace {

norma_plan_desc rms_norm_desc() {
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = NORMA_RMS_NORM_FORWARD;
    desc.hidden = 100;
    desc.x = NORMA_F16;
    return desc;
}

// What normagen makes of a manifest with this line alone.
std::string names_by_normagen(const std::string &line) {
    const Directory directory;
    const Result result = normagen("list --manifest " + directory.write("manifest.json", manifest(line)));
    INFO(result.err);
    CHECK(result.status == 0);
    return result.out;
}

}  // namespace

TEST_CASE("the refusal of a missing variant is a manifest line", "[missing]") {
    norma_plan_desc narrow = rms_norm_desc(), full = rms_norm_desc(), hf = rms_norm_desc();
    narrow.y = NORMA_BF16;
    full.op = NORMA_LAYER_NORM_FORWARD;
    full.weight = NORMA_BF16;
    full.bias = NORMA_F16;
    full.residual = NORMA_BF16;
    hf.contract = NORMA_HF;
    hf.x = NORMA_BF16;
    hf.y = NORMA_F32;
    hf.weight = NORMA_F16;
    const std::pair<norma_plan_desc, const char *> missing[] = {
        {narrow, "rms_norm_forward.x_f16.y_bf16.fp32_once.any_to_1024\n"},
        {full, "layer_norm_forward.x_f16.w_bf16.b_f16.r_bf16.y_f16.fp32_once.any_to_1024\n"},
        {hf, "rms_norm_forward.x_bf16.w_f16.y_f32.hf.any_to_1024\n"},
    };
    for (const auto &[desc, name] : missing) {
        norma_plan *plan = reinterpret_cast<norma_plan *>(0x40);
        CHECK(norma_plan_create(&desc, &plan) == NORMA_NOT_IN_LIBRARY);
        CHECK(plan == nullptr);
        CHECK(names_by_normagen(norma_last_error()).find(name) == 0);
    }
}

TEST_CASE("the manifest line has the narrowest class that has the hidden size", "[missing]") {
    const std::pair<int64_t, std::string> classes[] = {
        {1, "any_to_1024"}, {100, "any_to_1024"}, {1000, "any_to_1024"}, {64, "64n_to_1024"}, {1024, "64n_to_1024"},
        {1088, "64n"},      {5120, "64n"},        {1025, "any"},         {1 << 30, "64n"},    {(1 << 30) - 1, "any"},
    };
    norma_plan_desc desc = rms_norm_desc();
    desc.y = NORMA_BF16;
    for (const auto &[hidden, name] : classes) {
        desc.hidden = hidden;
        norma_plan *plan = nullptr;
        CHECK(norma_plan_create(&desc, &plan) == NORMA_NOT_IN_LIBRARY);
        CHECK(norma_last_error() ==
              R"({"op": "rms_norm_forward", "x": "f16", "y": "bf16", "hidden": ")" + name + "\"}");
    }
}
