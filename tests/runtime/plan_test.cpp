// SPDX-License-Identifier: MIT
// Making plans: what is refused and how, what is chosen and how it is explained.
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/forged.h"

namespace {

using namespace norma::test;
using nlohmann::json;

norma_plan_desc layer_norm_desc(int64_t hidden = 100) {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_LAYER_NORM_FORWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32);
    spec.hidden = hidden;
    norma_plan_desc desc = describe(spec);
    desc.target = desc.kernel = nullptr;
    return desc;
}

struct Plan {
    norma_plan *plan = nullptr;
    norma_status status;

    explicit Plan(const norma_plan_desc &desc) : status(norma_plan_create(&desc, &plan)) {}
    ~Plan() { norma_plan_destroy(plan); }
    Plan(const Plan &) = delete;
    Plan &operator=(const Plan &) = delete;

    std::string kernel() const { return norma_plan_kernel(plan); }
    std::string explanation() const { return norma_plan_explain(plan); }
};

void check_refused(const norma_plan_desc *desc, norma_status expected, const std::string &words) {
    norma_plan *plan = reinterpret_cast<norma_plan *>(0x40);
    const norma_status status = norma_plan_create(desc, &plan);
    INFO("status " << status << ": " << norma_last_error() << "; expected " << words);
    CHECK(status == expected);
    CHECK(std::string(norma_last_error()).find(words) != std::string::npos);
    CHECK(plan == nullptr);
}

struct Refusal {
    const char *words;  // in the message: the argument, and its value where it has one
    norma_status status;
    std::function<void(norma_plan_desc &)> change;
};

const norma_status invalid = NORMA_INVALID_ARGUMENT;

const Refusal refusals[] = {
    {"desc.size is 0", invalid, [](auto &d) { d.size = 0; }},
    {"desc.size is ", invalid, [](auto &d) { d.size--; }},
    {"desc.op is 0", invalid, [](auto &d) { d.op = norma_op{}; }},
    {"desc.op is 99", invalid, [](auto &d) { d.op = forged<norma_op>(99); }},
    {"desc.contract is 7", invalid, [](auto &d) { d.contract = forged<norma_contract>(7); }},
    {"desc.contract is hf; expected fp32_once for layer_norm_forward", invalid, [](auto &d) { d.contract = NORMA_HF; }},
    {"desc.bias is f32", invalid,
     [](auto &d) {
         d.op = NORMA_RMS_NORM_FORWARD;
         d.contract = NORMA_HF;
     }},
    {"desc.device is CUDA 0", NORMA_NO_DEVICE, [](auto &d) { d.device.type = NORMA_CUDA; }},
    {"desc.device.type is 9", invalid, [](auto &d) { d.device.type = forged<norma_device_type>(9); }},
    {"desc.device.id is 1", invalid, [](auto &d) { d.device.id = 1; }},
    {"desc.hidden is 0", invalid, [](auto &d) { d.hidden = 0; }},
    {"desc.hidden is -64", invalid, [](auto &d) { d.hidden = -64; }},
    {"desc.hidden is 1073741825", invalid, [](auto &d) { d.hidden = (int64_t{1} << 30) + 1; }},
    {"desc.x is none", invalid, [](auto &d) { d.x = NORMA_NONE; }},
    {"desc.x is 10", invalid, [](auto &d) { d.x = forged<norma_dtype>(10); }},
    {"desc.y is 10", invalid, [](auto &d) { d.y = forged<norma_dtype>(10); }},
    {"desc.weight is 10", invalid, [](auto &d) { d.weight = forged<norma_dtype>(10); }},
    {"desc.bias is 10", invalid, [](auto &d) { d.bias = forged<norma_dtype>(10); }},
    {"desc.x is f64; expected f32, f16, bf16, i8 or i32", invalid, [](auto &d) { d.x = NORMA_F64; }},
    {"desc.weight is f64; expected none, f32, f16 or bf16", invalid, [](auto &d) { d.weight = NORMA_F64; }},
    {"desc.residual is -1", invalid, [](auto &d) { d.residual = forged<norma_dtype>(-1); }},
    {"desc.flags is 0x200", invalid, [](auto &d) { d.flags = 0x200; }},
    {"NORMA_Y_IN_PLACE and desc.y is bf16", invalid,
     [](auto &d) {
         d.flags = NORMA_Y_IN_PLACE;
         d.y = NORMA_BF16;
     }},
    {"NORMA_RESIDUAL_OUT_IN_PLACE and desc.residual", invalid,
     [](auto &d) {
         d.flags = NORMA_RESIDUAL_OUT_IN_PLACE;
         d.residual = NORMA_NONE;
     }},
    {"desc.flags is 0x8; expected a combination of 0x187 for layer_norm_forward", invalid,
     [](auto &d) { d.flags = NORMA_RECOMPUTE_STATISTICS; }},
    {"desc.flags is 0x1; expected a combination of 0x1f8 for layer_norm_backward", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_SAVE_STATISTICS;
     }},
    {"NORMA_DX_IN_PLACE and desc.residual is none", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_DX_IN_PLACE;
         d.residual = NORMA_NONE;
     }},
    {"desc.weight is f32; expected none where statistics is partial", invalid,
     [](auto &d) { d.flags = NORMA_PARTIAL_STATISTICS; }},
    {"desc.bias is f32; expected none where statistics is partial", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_PARTIAL_STATISTICS;
     }},
    {"desc.residual is f32; expected none where statistics is partial", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.bias = NORMA_NONE;
         d.residual = NORMA_F32;
         d.flags = NORMA_PARTIAL_STATISTICS;
     }},
    {"desc.y is bf16; expected the type of x (f32) where statistics is partial", invalid,
     [](auto &d) {
         d.y = NORMA_BF16;
         d.flags = NORMA_PARTIAL_STATISTICS;
     }},
    {"desc.contract is hf; expected fp32_once where the statistics of a forward are partial", invalid,
     [](auto &d) {
         d.op = NORMA_RMS_NORM_FORWARD;
         d.contract = NORMA_HF;
         d.weight = d.bias = NORMA_NONE;
         d.flags = NORMA_PARTIAL_STATISTICS;
     }},
    {"desc.flags is 0x81; expected NORMA_PARTIAL_STATISTICS (0x80) alone", invalid,
     [](auto &d) {
         d.weight = d.bias = d.residual = NORMA_NONE;
         d.flags = NORMA_PARTIAL_STATISTICS | NORMA_SAVE_STATISTICS;
     }},
    {"desc.flags is 0x108; expected NORMA_MERGED_STATISTICS or NORMA_RECOMPUTE_STATISTICS, not both", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_MERGED_STATISTICS | NORMA_RECOMPUTE_STATISTICS;
     }},
    {"desc.contract is relaxed; expected fp32_once for layer_norm_backward", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.contract = NORMA_RELAXED;
     }},
    {"desc.contract is relaxed; expected fp32_once where statistics are merged", invalid,
     [](auto &d) {
         d.contract = NORMA_RELAXED;
         d.flags = NORMA_MERGED_STATISTICS;
     }},
    {"desc.contract is relaxed; expected fp32_once with a quantized type, i8", invalid,
     [](auto &d) {
         d.contract = NORMA_RELAXED;
         d.y = NORMA_I8;
         d.scale = NORMA_SCALE_ROW;
     }},
    {"desc.contract is hf; expected fp32_once for layer_norm_", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.contract = NORMA_HF;
     }},
    {"statistics is saved; asked for recomputed", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_RECOMPUTE_STATISTICS;
         d.kernel = "layer_norm_backward.x_f32.w_f32.b_f32.r_f32.y_f32.fp32_once.any";
     }},
    {"\"statistics\": \"recomputed\"", NORMA_NOT_IN_LIBRARY,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = NORMA_RECOMPUTE_STATISTICS;
         d.y = NORMA_F16;
     }},
    {"desc.scale is 9", invalid, [](auto &d) { d.scale = forged<norma_scale>(9); }},
    {"desc.scale is none; expected one for y in i8", invalid, [](auto &d) { d.y = NORMA_I8; }},
    {"desc.scale is row; expected none for y in f32, which is not quantized", invalid,
     [](auto &d) { d.scale = NORMA_SCALE_ROW; }},
    {"desc.hidden is 100; expected whole groups of 32", invalid,
     [](auto &d) {
         d.y = NORMA_F8_E4M3;
         d.scale = NORMA_SCALE_GROUP_32;
     }},
    {"desc.scale is row; expected tensor for y in u8, which has a zero point", invalid,
     [](auto &d) {
         d.y = NORMA_U8;
         d.scale = NORMA_SCALE_ROW;
     }},
    {"desc.y_float is f16; expected none for y in f32, which is not quantized", invalid,
     [](auto &d) { d.y_float = NORMA_F16; }},
    {"desc.y_float is i8; expected none, f32, f16 or bf16", invalid,
     [](auto &d) {
         d.y = NORMA_I8;
         d.y_float = NORMA_I8;
         d.scale = NORMA_SCALE_ROW;
     }},
    {"desc.x is f8_e4m3; expected f32, f16, bf16, i8 or i32", invalid, [](auto &d) { d.x = NORMA_F8_E4M3; }},
    {"desc.y is i32; expected f32, f16, bf16, i8, f8_e4m3, f8_e5m2 or u8", invalid,
     [](auto &d) { d.x = d.y = NORMA_I32; }},
    {"desc.weight is i8; expected none, f32, f16 or bf16", invalid, [](auto &d) { d.weight = NORMA_I8; }},
    {"desc.y is i8; expected f32, f16 or bf16 for a backward", invalid,
     [](auto &d) {
         d.op = NORMA_LAYER_NORM_BACKWARD;
         d.flags = 0;
         d.y = NORMA_I8;
     }},
    {"desc.contract is hf; expected fp32_once with a quantized type, ", invalid,
     [](auto &d) {
         d.op = NORMA_RMS_NORM_FORWARD;
         d.bias = NORMA_NONE;
         d.contract = NORMA_HF;
         d.y = NORMA_I8;
         d.scale = NORMA_SCALE_ROW;
     }},
    {"\"scale\": \"group_32\"", NORMA_NOT_IN_LIBRARY,
     [](auto &d) {
         d.hidden = 128;
         d.y = NORMA_F8_E5M2;
         d.scale = NORMA_SCALE_GROUP_32;
     }},
    {"\"y\": \"f8_e5m2\", \"y_float\": \"f16\"", NORMA_NOT_IN_LIBRARY,
     [](auto &d) {
         d.y = NORMA_F8_E5M2;
         d.y_float = NORMA_F16;
         d.scale = NORMA_SCALE_ROW;
     }},
    {"desc.target is \"pdp-11\"", NORMA_UNSUPPORTED_TARGET, [](auto &d) { d.target = "pdp-11"; }},
    {"desc.target is \"\"", NORMA_UNSUPPORTED_TARGET, [](auto &d) { d.target = ""; }},
    {"desc.kernel is \"fast\"", invalid, [](auto &d) { d.kernel = "fast"; }},
    {"op is rms_norm_forward", invalid, [](auto &d) { d.kernel = "rms_norm_forward.x_f32.y_f32.fp32_once.any"; }},
    {"hidden is a multiple of 64; asked for 100", invalid,
     [](auto &d) { d.kernel = "layer_norm_forward.x_f32.w_f32.b_f32.r_f32.y_f32.fp32_once.64n"; }},
};

}  // namespace

TEST_CASE("a plan that makes no sense is refused by name", "[plan]") {
    REQUIRE(Plan(layer_norm_desc()).status == NORMA_OK);
    for (const Refusal &refusal : refusals) {
        norma_plan_desc desc = layer_norm_desc();
        refusal.change(desc);
        check_refused(&desc, refusal.status, refusal.words);
    }
    check_refused(nullptr, invalid, "desc is null");
    const norma_plan_desc desc = layer_norm_desc();
    CHECK(norma_plan_create(&desc, nullptr) == invalid);
    CHECK(std::string(norma_last_error()).find("plan is null") == 0);
}

TEST_CASE("a forced target that is unknown names those that are known", "[plan]") {
    norma_plan_desc desc = layer_norm_desc();
    desc.target = "pdp-11";
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        check_refused(&desc, NORMA_UNSUPPORTED_TARGET, kernel.target);
    }
}

TEST_CASE("a target that this CPU cannot run is refused, not tried", "[plan]") {
    for (int32_t i = 0; i < norma_target_count(); i++) {
        norma_target_info target = {};
        target.size = sizeof(target);
        require_ok(norma_get_target_info(i, &target), "norma_get_target_info");
        norma_plan_desc desc = layer_norm_desc();
        desc.target = target.name;
        if (target.device != NORMA_CPU) {
            check_refused(&desc, NORMA_UNSUPPORTED_TARGET, "which is for another type of device");
        } else if (target.runnable) {
            CHECK(Plan(desc).status == NORMA_OK);
        } else {
            check_refused(&desc, NORMA_UNSUPPORTED_TARGET, "which this CPU cannot run");
        }
    }
}

TEST_CASE("environment variables that make no sense are refused by name", "[plan]") {
    const norma_plan_desc desc = layer_norm_desc();
    {
        const Environment environment("NORMA_TARGET", "z80");
        check_refused(&desc, NORMA_UNSUPPORTED_TARGET, "NORMA_TARGET is \"z80\"");
    }
    for (const char *variable : {"NORMA_GRAIN_SIZE", "NORMA_MAX_SLICE_ELEMENTS", "NORMA_STREAMING_THRESHOLD"}) {
        for (const char *value : {"0", "-1", "x", "12k", "2147483648", "99999999999999999999"}) {
            const Environment environment(variable, value);
            check_refused(&desc, invalid, std::string(variable) + " is \"" + value + "\"");
        }
        const Environment environment(variable, "");
        CHECK(Plan(desc).status == NORMA_OK);
    }
}

TEST_CASE("zero in a description means the default", "[plan]") {
    norma_plan_desc desc = layer_norm_desc();
    desc.y = NORMA_NONE;
    desc.contract = norma_contract{};
    desc.device = {};
    CHECK(Plan(desc).kernel() == Plan(layer_norm_desc()).kernel());
}

TEST_CASE("a description of a later version, with more at its end, is taken", "[plan]") {
    struct {
        norma_plan_desc desc;
        char more[32];
    } later = {layer_norm_desc(), {}};
    later.desc.size = sizeof(later);
    CHECK(Plan(later.desc).status == NORMA_OK);
}

TEST_CASE("the kernel for the narrowest class of hidden sizes is chosen, and the choice explained", "[plan]") {
    const std::string variant = "layer_norm_forward.x_f32.w_f32.b_f32.r_f32.y_f32.fp32_once.";
    const std::pair<int64_t, const char *> choices[] = {
        {100, "any_to_1024"}, {128, "64n_to_1024"}, {1024, "64n_to_1024"}, {1025, "any"}, {1088, "64n"}};
    for (const auto &[hidden, chosen] : choices) {
        const Plan plan(layer_norm_desc(hidden));
        CHECK(plan.kernel() == variant + chosen);
        for (const char *kernel : {"any", "64n", "any_to_1024", "64n_to_1024"}) {
            const std::string verdict = kernel == std::string(chosen) ? ": chosen" : ": skipped, ";
            CHECK(plan.explanation().find("kernel " + variant + kernel + verdict) != std::string::npos);
        }
        CHECK(plan.explanation().find("the best that this CPU runs") != std::string::npos);
    }
    CHECK(Plan(layer_norm_desc(100)).explanation().find("hidden is a multiple of 64; asked for 100") !=
          std::string::npos);
}

TEST_CASE("a target can be forced, by the description before the environment", "[plan]") {
    std::set<std::string> targets;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        targets.insert(kernel.target);
    }
    for (const std::string &target : targets) {
        const Environment environment("NORMA_TARGET", target.c_str());
        const Plan by_environment(layer_norm_desc());
        CHECK(by_environment.explanation().find("target " + target + ": forced by NORMA_TARGET") == 0);
        norma_plan_desc desc = layer_norm_desc();
        desc.target = targets.begin()->c_str();
        const Plan by_description(desc);
        CHECK(by_description.explanation().find("target " + *targets.begin() + ": asked for by name") == 0);
    }
}

TEST_CASE("a plan keeps its own copy of the description", "[plan]") {
    norma_plan_desc desc = layer_norm_desc(64);
    std::string kernel = "layer_norm_forward.x_f32.w_f32.b_f32.r_f32.y_f32.fp32_once.any";
    desc.kernel = kernel.c_str();
    const Plan plan(desc);
    const std::string name = kernel;
    kernel.assign(kernel.size(), 'x');
    CHECK(plan.kernel() == name);
    CHECK(plan.explanation().find("chosen, asked for by name") != std::string::npos);
}

TEST_CASE("functions on plans take null", "[plan]") {
    norma_plan_destroy(nullptr);
    CHECK(std::string(norma_plan_kernel(nullptr)).empty());
    CHECK(std::string(norma_plan_explain(nullptr)).empty());
    size_t bytes = 77;
    CHECK(norma_plan_workspace_size(nullptr, 1, 1, &bytes) == invalid);
    CHECK(bytes == 77);
    const Plan plan(layer_norm_desc());
    CHECK(norma_plan_workspace_size(plan.plan, 1, 1, nullptr) == invalid);
    CHECK(norma_plan_workspace_size(plan.plan, 1, -1, &bytes) == invalid);
    CHECK(std::string(norma_last_error()).find("threads is -1") == 0);
    CHECK(norma_plan_workspace_size(plan.plan, -1, 1, &bytes) == invalid);
    CHECK(std::string(norma_last_error()).find("rows is -1") == 0);
}

TEST_CASE("workspace grows with the threads", "[plan]") {
    const Plan plan(layer_norm_desc(1000));
    size_t one = 0, three = 0;
    require_ok(norma_plan_workspace_size(plan.plan, 1, 1, &one), "workspace");
    require_ok(norma_plan_workspace_size(plan.plan, 1, 3, &three), "workspace");
    CHECK(one >= 1000 * sizeof(float));  // layer_norm with a residual keeps the sum
    CHECK(three == 3 * one);
}

TEST_CASE("the workspace of a backward holds its strips, for any smaller number of rows too", "[plan]") {
    norma_plan_desc desc = layer_norm_desc(1000);
    desc.op = NORMA_LAYER_NORM_BACKWARD;
    desc.flags = 0;
    const Plan plan(desc);
    size_t scratch = 0, before = 0, bytes = 0;
    require_ok(norma_plan_workspace_size(plan.plan, 0, 1, &scratch), "workspace");
    for (int64_t rows : {0, 1, 63, 64, 127, 128, 4095, 8191, 8192, 8193, 100000}) {
        require_ok(norma_plan_workspace_size(plan.plan, rows, 1, &bytes), "workspace");
        CHECK(bytes >= before);
        before = bytes;
    }
    const size_t columns = size_t{2} * 1024;  // gradients x hidden, aligned
    const size_t total = scratch + columns * (sizeof(float) + sizeof(double));
    CHECK(bytes == total + 128 * columns * sizeof(float));
    require_ok(norma_plan_workspace_size(plan.plan, INT64_MAX, 64, &bytes), "workspace");
    CHECK(bytes == 64 * total + 128 * columns * sizeof(float));
}
